import Events
import ReleaseModel
import Testing

/// Malicious manifests.
@Suite struct ManifestCheckTests {
  private static let digest = String(repeating: "a", count: 64)

  private static func manifest(_ files: String, _ more: String = "") -> [UInt8] {
    Array(
      """
      {"format":1,"otp_releases":[{"name":"demo","version":"0.1.0","erts_version":"13.1","kind":"mix",
      "applications":[],"start_command":"bin/demo","start_argument":"start"}],
      "processes":[{"process":"web","command":"bin/demo start"}],"tools":{},
      "target":{"os":"linux","arch":"x86_64"}\(more),"files":[\(files)]}
      """.utf8)
  }

  private static func file(_ path: String, size: String = "1") -> String {
    #"{"path":"\#(path)","kind":"file","mode":"644","size":\#(size),"sha256":"\#(digest)"}"#
  }

  private static func folder(_ path: String) -> String {
    #"{"path":"\#(path)","kind":"folder","mode":"755"}"#
  }

  private static let deep = (1...128).map {
    [String](repeating: "d", count: $0).joined(separator: "/")
  }

  static let refused: [(String, String, ProblemID, String)] = [
    ("twice", file("a") + "," + file("a"), .manifestFormat, "names 'a' twice"),
    ("outside", file("../a"), .slugContent, "outside the slug"),
    ("absolute", file("/etc/passwd"), .slugContent, "outside the slug"),
    ("empty part", file("a//b"), .slugContent, "outside the slug"),
    ("the folder itself", file("."), .slugContent, "outside the slug"),
    ("a zero byte", file("a\\u0000b"), .slugContent, "outside the slug"),
    ("no folder", file("a/b"), .manifestFormat, "no folder before it for 'a/b'"),
    (
      "folder after it", file("a/b") + "," + folder("a"), .manifestFormat,
      "no folder before it for 'a/b'"
    ),
    ("beneath a file", file("a") + "," + file("a/b"), .slugContent, "beneath a file or a link"),
    (
      "beneath a link", #"{"path":"a","kind":"link","target":"b"},"# + file("a/b"), .slugContent,
      "beneath a file or a link"
    ),
    ("itself", folder(".reltui") + "," + file(".reltui/manifest.json"), .slugContent, "no part"),
    ("its record", folder(".reltui") + "," + file(".reltui/events.jsonl"), .slugContent, "no part"),
    (
      "its provenance", folder(".reltui") + "," + file(".reltui/provenance.json"), .slugContent,
      "no part"
    ),
    ("its folder as a file", file(".reltui"), .slugContent, "no part of the slug"),
    ("a negative size", file("a", size: "-1"), .manifestFormat, "has -1 bytes for 'a'"),
    (
      "sizes beyond all numbers",
      file("a", size: "9223372036854775807") + "," + file("b", size: "9223372036854775807"),
      .manifestFormat, "more than 1 TiB of files"
    ),
    ("a size beyond all numbers", file("a", size: "1e400"), .manifestFormat, "cannot be read"),
    ("half a byte", file("a", size: "0.5"), .manifestFormat, "cannot be read"),
    ("no number", file("a", size: "NaN"), .manifestFormat, "cannot be read"),
    ("a number as text", file("a", size: "\"1\""), .manifestFormat, "cannot be read"),
    ("another kind", #"{"path":"a","kind":"device"}"#, .manifestFormat, "cannot be read"),
    ("no path", #"{"kind":"folder"}"#, .manifestFormat, "'files.Index 0.path' is missing"),
    (
      "a path without end", file(String(repeating: "a", count: 5000)), .manifestFormat,
      "too long or too deep"
    ),
    (
      "folders without end", (deep + [deep[127] + "/d"]).map(folder).joined(separator: ","),
      .manifestFormat, "too long or too deep"
    ),
    (
      "a target without end",
      #"{"path":"a","kind":"link","target":"\#(String(repeating: "b", count: 5000))"}"#,
      .manifestFormat, "too long a target"
    ),
  ]

  @Test(arguments: refused.indices) func invalidManifestsAreRefused(_ index: Int) {
    let (name, files, id, said) = Self.refused[index]
    let cause = #expect(throws: Cause.self, "\(name)") { try Manifest(bytes: Self.manifest(files)) }
    #expect(cause?.id == id.rawValue, "\(name): \(cause?.sentence ?? "")")
    #expect(cause?.sentence.contains(said) == true, "\(name): \(cause?.sentence ?? "")")
  }

  static let names = [
    (#""version":"0.1.0""#, #""version":"../../x""#), (#""name":"demo""#, #""name":"a/b""#),
    (#""start_command":"bin/demo""#, #""start_command":"/bin/sh""#),
    (#""start_command":"bin/demo""#, #""start_command":"../../bin/sh""#),
    (#""kind":"mix""#, #""kind":"mix","folder":"../other""#),
    (#""kind":"mix""#, #""kind":"mix","folder":"/""#),
    (#""erts_version":"13.1""#, #""erts_version":"..""#),
    (#""process":"web""#, #""process":"../web""#), (#""process":"web""#, #""process":"""#),
  ]

  @Test(arguments: names) func namesOutsideTheSlugAreRefused(_ change: (String, String)) {
    let text = String(decoding: Self.manifest(Self.file("a")), as: UTF8.self)
    #expect(text.contains(change.0))
    let bytes = Array(text.replacing(change.0, with: change.1).utf8)
    #expect(throws: Cause.self) { try Manifest(bytes: bytes) }
  }

  @Test func manifestsOfBuildsAreAccepted() throws {
    let files = [
      Self.folder("a"), Self.folder("a/b"), Self.file("a/b/c\\nd"), Self.file(".reltui/x"),
    ]
    let manifest = try Manifest(bytes: Self.manifest(files.joined(separator: ",")))
    #expect(manifest.files.count == 4 && manifest.size == 2)
    #expect(
      try Manifest(bytes: Self.manifest(Self.deep.map(Self.folder).joined(separator: ","))).files
        .count == 128)
  }

  @Test func aMillionEntriesAreRefusedInTime() {
    let entry = Array((Self.folder("abcdefg") + ",").utf8)
    var bytes = Self.manifest("", #","x":0"#).dropLast(2)
    bytes.reserveCapacity(entry.count * 1_000_000 + 1000)
    for _ in 0..<1_000_000 { bytes += entry }
    bytes += Array((Self.folder("z") + "]}").utf8)
    let cause = #expect(throws: Cause.self) { try Manifest(bytes: Array(bytes)) }
    #expect(cause?.sentence == "the manifest has more than 100000 entries")
  }
}
