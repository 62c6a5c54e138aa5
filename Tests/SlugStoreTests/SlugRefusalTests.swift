import Events
import Glibc
import JSONText
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

@Suite struct SlugRefusalTests {
  /// What is done to a tree or its manifest, and the id of the refusal.
  static let cases: [(String, ProblemID, @Sendable (ReleaseTree) throws -> Void)] = [
    (
      "no manifest", .system,
      { _ = try $0.store.store(SlugTree($0.tree), provenance: ReleaseTree.provenance) }
    ),
    (
      "another content", .slugDamaged,
      { release in
        try release.store { manifest in
          try? release.folder.write("tree/bin/demo_mix", "#!/bin/false\n", mode: 0o755)
          _ = manifest
        }
      }
    ),
    (
      "a missing file", .slugDamaged,
      { release in
        try release.store { _ in try? Files.remove(release.tree + "/bin/demo_mix") }
      }
    ),
    (
      "a pipe in place of a file", .slugDamaged,
      { release in
        try release.store { _ in
          try? Files.remove(release.tree + "/bin/demo_mix")
          mkfifo(release.tree + "/bin/demo_mix", 0o755)
        }
      }
    ),
    (
      "a link in place of a file", .slugDamaged,
      { release in
        try release.folder.write("outside", "#!/bin/sh\n", mode: 0o755)
        try release.store { _ in
          try? Files.remove(release.tree + "/bin/demo_mix")
          try? Files.symbolicLink(to: "../../outside", at: release.tree + "/bin/demo_mix")
        }
      }
    ),
    (
      "a pipe in the tree", .slugContent,
      {
        mkfifo($0.tree + "/lib/pipe", 0o644)
        try $0.store()
      }
    ),
    (
      "a name that is not UTF-8", .slugContent,
      {
        let name = $0.tree.utf8.map { CChar(bitPattern: $0) } + [47, -1, 0]
        mkdir(name, 0o755)
        try $0.store()
      }
    ),
    (
      "an absolute link", .slugContent,
      {
        try Files.symbolicLink(to: "/etc/passwd", at: $0.tree + "/lib/link")
        try $0.store()
      }
    ),
    (
      "a link that leads out", .slugContent,
      {
        try Files.symbolicLink(to: "../x/../../../y", at: $0.tree + "/lib/link")
        try $0.store()
      }
    ),
    (
      "a link that leads out through another", .slugContent,
      {
        try Files.makeFolder($0.tree + "/p/q")
        try Files.symbolicLink(to: "../..", at: $0.tree + "/p/q/top")
        try Files.symbolicLink(to: "p/q/top/../..", at: $0.tree + "/escape")
        try $0.store()
      }
    ),
    (
      "links in a ring", .slugContent,
      {
        try Files.symbolicLink(to: "b/x", at: $0.tree + "/a")
        try Files.symbolicLink(to: "a/x", at: $0.tree + "/b")
        try $0.store()
      }
    ),
    (
      "an entry beneath a link", .slugContent,
      {
        try Files.symbolicLink(to: "lib", at: $0.tree + "/alias")
        try $0.store {
          $0.files.append(Manifest.Entry(path: "alias/new", kind: .folder, mode: "755"))
        }
      }
    ),
    (
      "an absolute path", .slugContent,
      {
        try $0.store { $0.files.append(Manifest.Entry(path: "/tmp/x", kind: .folder, mode: "755")) }
      }
    ),
    (
      "a path that leads out", .slugContent,
      {
        try $0.store {
          $0.files.append(Manifest.Entry(path: "a/../../x", kind: .folder, mode: "755"))
        }
      }
    ),
    (
      "a link without a target", .manifestFormat,
      {
        try $0.store { $0.files.append(Manifest.Entry(path: "l", kind: .link)) }
      }
    ),
    (
      "a digest that is a path", .manifestFormat,
      {
        try $0.store {
          let digest = "../../" + String(repeating: "a", count: 58)
          $0.files.append(
            Manifest.Entry(path: "f", kind: .file, mode: "644", size: 1, sha256: digest))
        }
      }
    ),
    ("a newer format", .formatNewer, { try $0.store { $0.format = 2 } }),
    (
      "no JSON", .manifestFormat,
      {
        try $0.folder.write("tree/" + Manifest.path, "{")
        _ = try $0.store.store(SlugTree($0.tree), provenance: ReleaseTree.provenance)
      }
    ),
  ]

  @Test(arguments: cases.indices) func nothingIsLeftOfWhatIsRefused(_ index: Int) throws {
    let (name, id, attempt) = Self.cases[index]
    let release = try ReleaseTree()
    do {
      try attempt(release)
      Issue.record("\(name) was stored")
    } catch let cause as Cause {
      #expect(cause.id == id.rawValue, "\(name): \(cause.sentence)")
    }
    #expect(try release.slugsAndNews() == [], "\(name)")
  }

  @Test func linksInsideAreKept() throws {
    let release = try ReleaseTree()
    for (name, target) in [("a", "lib/./../bin"), ("lib/b", "../a"), ("c", "nowhere"), ("d", ".")] {
      try Files.symbolicLink(to: target, at: release.tree + "/" + name)
    }
    let id = try release.store()
    #expect(Files.exists(release.store.tree(id) + "/lib/b/demo_mix"))
  }
}
