import Glibc
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

@Suite struct SlugVerifyTests {
  /// What is done to a stored tree, and what is found.
  static let cases: [(String, @Sendable (String) throws -> Void, [String])] = [
    ("nothing", { _ in }, []),
    (
      "a missing file", { try Files.remove($0 + "/bin/demo_mix") },
      ["missing: 'bin/demo_mix' is missing"]
    ),
    (
      "an extra file", { try File.open($0 + "/bin/more", .create).write("x") },
      ["extra: 'bin/more' is not in the manifest"]
    ),
    (
      "a changed file of the same size",
      { try Self.put("#!/bin/zz\n", $0 + "/bin/demo_mix", 0o555) },
      ["changed: 'bin/demo_mix' has another content"]
    ),
    (
      "a longer file", { try Self.put("#!/bin/sh\n\n", $0 + "/bin/demo_mix", 0o555) },
      ["changed: 'bin/demo_mix' has 11 bytes, not 10"]
    ),
    (
      "another mode", { try Self.put("#!/bin/sh\n", $0 + "/bin/demo_mix", 0o444) },
      ["mode: 'bin/demo_mix' is not executable"]
    ),
    (
      "a link in place of a file",
      { try Self.link("/bin/sh", at: $0 + "/bin/demo_mix") },
      ["kind: 'bin/demo_mix' is a link, not a file"]
    ),
    (
      "a pipe in place of a file",
      {
        try Files.remove($0 + "/bin/demo_mix")
        mkfifo($0 + "/bin/demo_mix", 0o755)
      }, ["kind: 'bin/demo_mix' is neither file, folder nor link, not a file"]
    ),
    (
      "a link in place of a folder",
      { try Self.link("lib", at: $0 + "/bin") }, ["kind: 'bin' is a link, not a folder"]
    ),
    (
      "another target",
      { try Self.link("/etc", at: $0 + "/link") }, ["target: 'link' leads to '/etc', not to 'bin'"]
    ),
    (
      "another manifest in the tree",
      { try Files.replace($0 + "/" + Manifest.path, with: [123, 125], mode: 0o444) },
      ["changed: '.reltui/manifest.json' has another content"]
    ),
    (
      "another manifest",
      {
        try Files.replace(Files.parent(of: $0) + "/manifest.json", with: [123, 125], mode: 0o444)
      },
      ["manifest: the manifest of slug ID is not the one it was stored with"]
    ),
    (
      "a name that is not UTF-8",
      { mkdir($0.utf8.map { CChar(bitPattern: $0) } + [47, -1, 0], 0o755) },
      ["extra: '.' holds a name that is not UTF-8"]
    ),
    (
      "a name of two lines", { try Files.makeFolder($0 + "/lib/a\nb") },
      ["extra: 'lib/a\nb' is not in the manifest"]
    ),
    (
      "several things",
      {
        try Files.remove($0 + "/bin/demo_mix")
        try Files.remove($0 + "/link")
        try Files.makeFolder($0 + "/a")
      },
      [
        "extra: 'a' is not in the manifest", "missing: 'bin/demo_mix' is missing",
        "missing: 'link' is missing",
      ]
    ),
  ]

  /// Puts a link in place of what is there.
  private static func link(_ target: String, at path: String) throws {
    try Files.remove(path)
    try Files.symbolicLink(to: target, at: path)
  }

  private static func put(_ text: String, _ path: String, _ mode: mode_t) throws {
    try Files.replace(path, with: Array(text.utf8), mode: mode)
  }

  @Test(arguments: cases.indices) func isFound(_ index: Int) throws {
    let (name, damage, expected) = Self.cases[index]
    let release = try ReleaseTree()
    try Files.symbolicLink(to: "bin", at: release.tree + "/link")
    let id = try release.store()
    let tree = release.store.tree(id)
    for folder in ["", "/bin", "/lib", "/.reltui"] { try Files.setMode(tree + folder, 0o755) }
    try damage(tree)
    let result = try #require(release.store.verify(id))
    let said = result.findings.map {
      "\($0.problem.rawValue): \($0.sentence.replacing(id.prefix(12), with: "ID"))"
    }
    #expect(said == expected, "\(name)")
    if expected.isEmpty {
      #expect(
        try result.files == release.store.manifest(id).files.filter { $0.kind == .file }.count + 1)
    }
    #expect(release.store.verify(String(repeating: "0", count: 64)) == nil)
  }
}
