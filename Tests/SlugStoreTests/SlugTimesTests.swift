import Glibc
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

@Suite struct SlugTimesTests {
  let release: ReleaseTree
  init() throws { release = try ReleaseTree() }

  /// Sets the times as a build does.
  private func finish(_ tree: String) throws {
    let manifest = try ManifestBuilder.describe(tree)
    try Files.makeFolder(tree + "/.reltui", mode: 0o700)
    try Files.replace(tree + "/" + Manifest.path, with: manifest.bytes)
    try Files.replace(tree + "/" + Provenance.path, with: ReleaseTree.provenance.bytes)
    try SlugTimes.set(tree, manifest)
  }

  private func info(_ path: String) -> stat {
    var info = stat()
    lstat(path, &info)
    return info
  }

  private func seconds(_ path: String) -> Int { info(path).st_mtim.tv_sec }

  /// As an archive in which nothing is put right.
  private func archive(_ tree: String) throws -> String {
    let result = try Invocation(
      [
        "tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-C", tree, "-cf", "-",
        ".",
      ], environment: Environment.current
    ).run()
    return Hex.encode(SHA256.digest(result.output))
  }

  @Test func twoBuildsAreTheSameArchive() throws {
    try Files.symbolicLink(to: "demo_mix", at: release.tree + "/bin/link")
    let other = release.folder.path + "/other"
    try FileTree.copy(release.tree, to: other)
    try Files.setMode(other + "/bin", 0o700)
    try Files.setMode(other + "/bin/demo_mix", 0o711)
    try Files.setMode(other + "/releases/start_erl.data", 0o600)
    try Files.setModified(other + "/lib", 1_234_567_890)
    #expect(try archive(release.tree) != archive(other))
    for tree in [release.tree, other] { try finish(tree) }
    #expect(try archive(release.tree) == archive(other))
    for (path, mode) in [
      ("bin", 0o755), ("bin/demo_mix", 0o755), ("releases/start_erl.data", 0o644),
      (".reltui", 0o755),
      (Manifest.path, 0o644), (Provenance.path, 0o644),
    ] as [(String, mode_t)] {
      #expect(info(other + "/" + path).st_mode & 0o7777 == mode, "\(path)")
    }
    for path in ["", "/bin", "/bin/link", "/.reltui"] {
      #expect(seconds(other + path) == SlugTimes.start, "\(path)")
    }
  }

  @Test func anotherContentIsAnotherTime() throws {
    func time(_ text: String) throws -> Int {
      try release.folder.write("tree/lib/demo_mix-0.1.0/priv/static/app.js", text)
      try finish(release.tree)
      return seconds(release.tree + "/lib/demo_mix-0.1.0/priv/static/app.js")
    }
    let first = try time("let a = 1")
    #expect(try time("let a = 2") != first)
    #expect(try time("let a = 1") == first)
    // The digest begins with 10 9e 73 51, and 17 years are 536,112,000 seconds.
    let digest = Hex.encode(SHA256.digest(Array("let a = 1".utf8)))
    let head = try #require(Int(digest.prefix(8), radix: 16))
    #expect(first == 946_684_800 + head % 536_112_000)
    #expect((SlugTimes.start...1_483_228_800).contains(first))
  }

  @Test func severalReleasesShareTheirFiles() throws {
    let tree = release.folder.path + "/two"
    for name in ["admin", "web"] { try FileTree.copy(release.tree, to: "\(tree)/rel/\(name)") }
    try release.folder.write("two/rel/web/bin/other", "#!/bin/sh\n", mode: 0o644)
    try release.folder.write("two/top", "#!/bin/sh\n", mode: 0o755)
    try finish(tree)
    func inode(_ path: String) -> ino_t { info(tree + "/" + path).st_ino }
    let (program, config) = ("bin/demo_mix", "releases/0.1.0/demo_mix.rel")
    for path in [program, config] {
      #expect(inode("rel/admin/" + path) == inode("rel/web/" + path), "\(path)")
    }
    #expect(inode("rel/web/bin/other") != inode("rel/web/bin/demo_mix"))
    #expect(inode("top") != inode("rel/web/bin/demo_mix"))
    // What is empty costs nothing.
    #expect(inode("rel/admin/releases/0.1.0/env.sh") != inode("rel/web/releases/0.1.0/env.sh"))
    let (before, manifest) = (inode("rel/web/" + program), try ManifestBuilder.describe(tree))
    let archived = try archive(tree)
    // Once more nothing changes.
    try finish(tree)
    #expect(try inode("rel/web/" + program) == before && ManifestBuilder.describe(tree) == manifest)
    #expect(try archive(tree) == archived)
    #expect(try Files.list(tree + "/rel/web/bin") == ["demo_mix", "other"])
  }
}
