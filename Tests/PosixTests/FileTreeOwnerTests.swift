import Glibc
import Posix
import TestSupport
import Testing

@Suite struct FileTreeOwnerTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder("owner")
    try folder.write("outside/secret", "hidden")
    try folder.write("source/sub/file", "text", mode: 0o4755)
    try Files.symbolicLink(to: folder.path + "/outside/secret", at: folder.path + "/source/link")
    try Files.symbolicLink(to: "../../outside", at: folder.path + "/source/up")
  }

  /// As when a file is replaced by a link after it was listed.
  @Test func noLinkLeadsOutOfAFolder() throws {
    let top = try File.open(folder.path + "/source", .folder)
    #expect(try File.open("sub/file", below: top).readToEnd() == Array("text".utf8))
    for (path, reason) in [
      ("link", ELOOP), ("up/secret", ENOENT), ("../outside/secret", ENOENT),
      (folder.path + "/outside/secret", ENOENT),
    ] {
      let error = #expect(throws: PosixError.self) { try File.open(path, below: top) }
      #expect(error?.errno.rawValue == reason, "\(path)")
    }
  }

  @Test func aCopyKeepsLinksAndDropsSetuid() throws {
    let copy = folder.path + "/copy"
    try FileTree.copy(folder.path + "/source", to: copy)
    #expect(try Files.info(copy + "/sub/file")?.mode == 0o755)
    #expect(try Files.target(ofLink: copy + "/up") == "../../outside")
    mkfifo(folder.path + "/source/pipe", 0o644)
    let error = #expect(throws: PosixError.self) {
      try FileTree.copy(folder.path + "/source", to: folder.path + "/other")
    }
    #expect(error?.errno == .invalid)
  }

  @Test func aTreeIsGivenAwayAndNotWhatItsLinksLeadTo() throws {
    try #require(User.isRoot, "this test needs root, to give files away")
    try FileTree.give(folder.path + "/source", to: 61_000)
    let owners = try FileTree.entries(of: folder.path).map { "\($0.path) \($0.info.owner)" }
    #expect(
      owners == [
        "outside 0", "outside/secret 0", "source 61000", "source/link 61000", "source/sub 61000",
        "source/sub/file 61000", "source/up 61000",
      ])
  }
}
