import Posix
import ReleaseModel
import TestSupport
import Testing

@testable import Buildpack

/// A slug that has booted is not booted again if nothing has changed.
@Suite(.waitsForPrograms) struct SavedBootCheckTests {
  private static let line = "(result of the last boot check of this slug)"

  /// Builds in one cache, and counts how often the release was booted: it writes a byte each time.
  private final class Builds {
    let host: BuildHost
    private var number = 0
    var file: String { host.cache + "/reltui/rehearsal.json" }

    init() throws {
      var sample = try #require(Sample.all.first { $0.name == "sprout" })
      (sample.cache, sample.config) = (.empty, ["RELPACK_BOOT_CHECK": "warn"])
      host = try BuildHost(sample)
    }

    private var boots: Int {
      get throws { try Files.readIfThere(host.home + "/boots")?.count ?? 0 }
    }

    /// - Returns: how often it was booted, and whether the build says that it used the saved result.
    func build() throws -> (boots: Int, isKept: Bool) {
      let before = try boots
      number += 1
      let source = try host.unpack("source\(number)") { source in
        try replace(
          in: source + "/lib/sprout/application.ex", "children =",
          "File.write!(\"\(host.home)/boots\", \"x\", [:append])\n    children =")
      }
      let result = try host.compile(source)
      #expect(result.exit == .code(0), "\(result.lines.joined(separator: "\n"))")
      let told = result.lines.filter { $0.hasPrefix("       sprout boots: ") }
      #expect(told.count == 1, "\(result.lines)")
      return (try boots - before, told.first?.hasSuffix(SavedBootCheckTests.line) == true)
    }

    func set(_ name: String, _ value: String) throws {
      try Files.remove(host.variables + "/" + name)
      try File.open(host.variables + "/" + name, .create, mode: 0o644).write(value)
    }
  }

  @Test func aBootIsSavedAndADamagedFileIsIgnored() throws {
    let builds = try Builds()
    #expect(try builds.build() == (1, false))
    #expect(try builds.build() == (0, true))
    let good = try Files.read(builds.file)
    let text = String(decoding: good, as: UTF8.self)
    /// Gives the file to the build's user, as if an earlier build had written it.
    func damage(_ name: String, _ change: (String) throws -> Void) throws {
      try Files.remove(builds.file)
      try change(builds.file)
      if User.isRoot {
        let script = "[ ! -e \"$0\" ] || chown -hR \(BuildHost.user) \"$0\""
        try builds.host.shell(script, builds.file)
      }
      #expect(try builds.build() == (1, false), "\(name)")
    }
    func write(_ text: String) -> (String) throws -> Void {
      { try File.open($0, .create).write(text) }
    }
    try damage("garbage", write("{\"format\": 1"))
    #expect(try builds.build() == (0, true))
    try damage("format", write(text.replacing("\"format\":1", with: "\"format\":2")))
    try damage("digest", write(text.replacing("\"digest\":\"", with: "\"digest\":\"0")))
    try damage("name", write(text.replacing("\"sprout\"", with: "\"other\"")))
    try damage("long", write(text + String(repeating: " ", count: 1 << 20)))
    try damage("nothing") { _ in }
    try damage("link") { path in
      try builds.host.folder.write("elsewhere", good)
      try Files.symbolicLink(to: builds.host.folder.path + "/elsewhere", at: path)
    }
    try damage("writable by others") { path in
      try write(text)(path)
      try Files.setMode(path, 0o666)
    }
    try damage("pipe") { try builds.host.shell("mkfifo \"$0\"", $0) }
    try damage("folder") { try Files.makeFolder($0 + "/x", mode: 0o755) }
    #expect(try builds.build() == (0, true))
  }

  @Test func anotherSettingIsAnotherBoot() throws {
    let builds = try Builds()
    #expect(try builds.build() == (1, false))
    try builds.set("RELPACK_BOOT_CHECK", "real")
    #expect(try builds.build() == (1, false))
    #expect(try builds.build() == (0, true))
    try builds.set("RELPACK_CACHE", "off")
    #expect(try builds.build() == (1, false))
  }

  @Test func theDigestCoversEverythingThatDecides() throws {
    let request = BootCheck.Request(
      tree: "/t", releases: [], processes: [], config: ["A": "1"], scratch: "/s", program: "/p")
    let changes: [(inout BootCheck.Request) -> Void] = [
      { _ in }, { $0.mode = .fail }, { $0.mode = .network }, { $0.limit = 1 },
      { $0.config["B"] = "" }, { $0.config["RELEASE_NAME"] = "x" },
      { $0.processes = [Procfile.Entry(process: "web", command: "x")] },
      { $0.variables = [variable("V")] }, { $0.searchPath = "/nothing" }, { $0.mode = .real },
      { ($0.mode, $0.config["A"]) = (.real, "2") },
    ]
    let digests = changes.map { change in
      var request = request
      change(&request)
      return SavedBootCheck.digest(slug: "id", request)
    }
    #expect(Set(digests).count == changes.count)
    #expect(SavedBootCheck.digest(slug: "other", request) != digests[0])
    var same = request
    (same.tree, same.scratch, same.config["A"]) = ("/x", "/y", "2")
    #expect(SavedBootCheck.digest(slug: "id", same) == digests[0])
  }
}
