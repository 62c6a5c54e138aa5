import Events
import Glibc
import HomeLayout
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// An OTP release of mix's, as small as one can be, and a home to store it in.
struct ReleaseTree {
  let folder: TemporaryFolder
  let tree: String
  let home: Home
  let store: StoredSlugs

  init() throws {
    folder = try TemporaryFolder("slug")
    tree = folder.path + "/tree"
    home = Home(root: folder.path + "/home")
    store = StoredSlugs(home: home)
    try FileTree.copy(Fixtures.path("releases/mix"), to: tree)
    try folder.write("tree/bin/demo_mix", "#!/bin/sh\n", mode: 0o755)
    try folder.write("tree/releases/0.1.0/env.sh", "")
  }

  static let provenance = Provenance(
    time: Timestamp(milliseconds: 1_795_244_709_042), by: "ada", folder: "/src", commit: "c0ffee",
    line: "Greet")

  func manifest() throws -> Manifest {
    try ManifestBuilder.describe(tree, tools: ["otp": "25"])
  }

  @discardableResult
  func store(_ change: (inout Manifest) -> Void = { _ in }) throws -> String {
    var manifest = try manifest()
    change(&manifest)
    try folder.write("tree/" + Manifest.path, manifest.bytes)
    return try store.store(SlugTree(tree), provenance: Self.provenance).id
  }

  /// What lies in the home's folders of slugs and objects, half-made things too.
  func slugsAndNews() throws -> [String] {
    let objects = (try? Files.list(home.objects)) ?? []
    let slugs = (try? Files.list(home.slugs)) ?? []
    return slugs.filter { $0 != ".lock" } + objects.filter { $0.hasPrefix(".") }
  }

  func inode(_ path: String) -> ino_t {
    var info = stat()
    return stat(path, &info) == 0 ? info.st_ino : 0
  }
}

@Suite struct SlugStoreTests {
  let release: ReleaseTree
  init() throws { release = try ReleaseTree() }

  @Test func aStoredSlugIsTheTree() throws {
    try Files.symbolicLink(to: "../lib/elixir-1.14.0", at: release.tree + "/bin/link")
    let manifest = try release.manifest()
    let id = try release.store()
    #expect(id == Hex.encode(SHA256.digest(manifest.bytes)))
    #expect(try release.store.list() == [id] && release.store.manifest(id) == manifest)
    #expect(release.store.provenance(id) == ReleaseTree.provenance)
    let tree = release.store.tree(id)
    let stored = try FileTree.entries(of: tree)
    let given = try FileTree.entries(of: release.tree)
    #expect(stored.map(\.path) == given.map(\.path))
    #expect(manifest.files.map(\.path) == given.map(\.path).filter { $0 != Manifest.path })
    for entry in stored where entry.info.kind == .file {
      #expect(
        try Files.read(tree + "/" + entry.path) == Files.read(release.tree + "/" + entry.path))
    }
    #expect(try Files.target(ofLink: tree + "/bin/link") == "../lib/elixir-1.14.0")
    let writable = stored.filter { $0.info.kind != .link && $0.info.mode & 0o222 != 0 }
    #expect(writable.map(\.path) == [])
    #expect(
      stored.filter(\.info.isExecutable).filter { $0.info.kind == .file }.map(\.path) == [
        "bin/demo_mix"
      ])
    #expect(try Files.info(tree)?.mode == 0o555)
    #expect(try release.slugsAndNews() == [id])
  }

  @Test func storedTwiceItIsOne() throws {
    let id = try release.store()
    let before = release.inode(release.store.tree(id))
    #expect(try release.store() == id)
    #expect(try release.slugsAndNews() == [id])
    #expect(release.inode(release.store.tree(id)) == before)
  }

  @Test func equalFilesAreOneOnTheDisk() throws {
    try release.folder.write("tree/bin/same", "#!/bin/sh\n", mode: 0o755)
    try release.folder.write("tree/bin/text", "#!/bin/sh\n", mode: 0o644)
    let first = try release.store()
    try release.folder.write("tree/lib/more", "more")
    let second = try release.store()
    #expect(first != second)
    let trees = [first, second].map { release.store.tree($0) }
    let inodes = trees.flatMap { tree in
      ["bin/demo_mix", "bin/same", "bin/text"].map { release.inode(tree + "/" + $0) }
    }
    #expect(Set(inodes).count == 2 && inodes[0] == inodes[1] && inodes[0] == inodes[3])
    #expect(inodes[2] != inodes[0] && inodes[2] == inodes[5])
    #expect(try Files.info(trees[0] + "/bin/text")?.mode == 0o444)
  }

  @Test func foundByItsBeginning() throws {
    let id = try release.store()
    try Files.makeFolder(release.home.slugs + "/" + id.prefix(6) + "0000")
    #expect(try release.store.find(id) == id)
    #expect(try release.store.find(String(id.prefix(8))) == id)
    let cases = [
      (String(id.prefix(6)), "2 slugs begin with '\(id.prefix(6))'"),
      (String(id.prefix(3)), "there is no slug '\(id.prefix(3))'"),
      ("", "there is no slug ''"),
      ("../..", "there is no slug '../..'"),
      (id + "0", "there is no slug '\(id)0'"),
    ]
    for (text, sentence) in cases {
      do throws(Cause) {
        let found = try release.store.find(text)
        Issue.record("'\(text)' found \(found)")
      } catch { #expect(error.sentence == sentence) }
    }
    #expect(throws: Cause.self) { try StoredSlugs(home: Home(root: "/no/such")).find("abcd") }
  }

  @Test func aChangedManifestIsNoticed() throws {
    let id = try release.store()
    let path = release.store.folder(id) + "/manifest.json"
    try Files.replace(path, with: try Files.read(path) + [32])
    do throws(Cause) {
      _ = try release.store.manifest(id)
      Issue.record("a changed manifest was read")
    } catch { #expect(error.id == "RT-SLUG-DAMAGED") }
  }
}
