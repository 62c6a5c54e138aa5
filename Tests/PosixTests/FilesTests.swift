import Glibc
import Posix
import Synchronization
import TestSupport
import Testing

@Suite struct FilesTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder("files") }

  func path(_ name: String) -> String { folder.path + "/" + name }

  @Test func replacingShowsTheOldOrTheNewFileWhole() throws {
    let path = path("file")
    let texts = (0..<4).map { [UInt8](repeating: UInt8($0), count: 100_000 + Int($0)) }
    try Files.replace(path, with: texts[0])
    let isDone = Atomic(false)
    let torn = Atomic(0)
    let reads = Atomic(0)
    Threads.run(2) { thread in
      if thread == 0 {
        for round in 1..<60 { try? Files.replace(path, with: texts[round % 4]) }
        isDone.store(true, ordering: .sequentiallyConsistent)
        return
      }
      while !isDone.load(ordering: .sequentiallyConsistent) {
        let bytes = (try? Files.read(path)) ?? []
        let isWhole = texts.contains { $0.count == bytes.count && $0 == bytes }
        torn.add(isWhole ? 0 : 1, ordering: .relaxed)
        reads.add(1, ordering: .relaxed)
      }
    }
    #expect(torn.load(ordering: .relaxed) == 0)
    #expect(reads.load(ordering: .relaxed) > 0)
    #expect(try Files.list(folder.path) == ["file"])
  }

  @Test func replacingFailsWithoutATrace() throws {
    try Files.makeFolder(path("taken"))
    #expect(throws: PosixError("write", path("taken"), Errno(rawValue: EISDIR))) {
      try Files.replace(path("taken"), with: [1])
    }
    #expect(throws: PosixError("write", path("no/file"), .noSuchFile)) {
      try Files.replace(path("no/file"), with: [1])
    }
    #expect(try Files.list(folder.path) == ["taken"])
    try Files.replace(path("mode"), with: [], mode: 0o444)
    #expect(try Files.info(path("mode"))?.mode == 0o444)
  }

  @Test func oneOfManyCreators() throws {
    let path = path("once")
    for round in 0..<10 {
      try Files.remove(path)
      let winners = Mutex<[Int]>([])
      Threads.run(6) { thread in
        if (try? Files.createIfMissing(path, with: Array("\(round) \(thread)".utf8))) == true {
          winners.withLock { $0.append(thread) }
        }
      }
      let names = winners.withLock { $0 }
      #expect(names.count == 1)
      #expect(try Files.read(path) == Array("\(round) \(names.first ?? -1)".utf8))
    }
    #expect(try Files.list(folder.path) == ["once"])
  }

  @Test func listsAreSortedByBytes() throws {
    for name in ["b", "a", "é", "B", "ab", ".c", "10", "9", "Z"] { try folder.write(name, "") }
    #expect(try Files.list(folder.path) == [".c", "10", "9", "B", "Z", "a", "ab", "b", "é"])
    #expect(throws: PosixError("list", path("a"), .notADirectory)) { try Files.list(path("a")) }
  }

  @Test func aNameThatIsNotUTF8() throws {
    let inner = path("inner")
    try Files.makeFolder(inner)
    let name = inner.utf8.map { CChar(bitPattern: $0) } + [47, 65, -1, 66, 0]
    #expect(mkdir(name, 0o755) == 0)
    #expect(throws: PosixError("read a name in", inner, .invalid)) { try Files.list(inner) }
    #expect(throws: PosixError.self) { try FileTree.entries(of: folder.path) }
    try Files.remove(inner)
    #expect(!Files.exists(inner))
  }

  /// Run as a user to whom modes apply: they do not apply to root.
  @Test func removingAReadOnlyTree() async throws {
    let tree = path("tree")
    try folder.write("tree/a/b/file", "x", mode: 0o444)
    try Files.symbolicLink(to: "/etc", at: tree + "/a/link")
    try Files.symbolicLink(to: "nowhere", at: tree + "/dangling")
    try Files.setMode(tree + "/a/b", 0o000)
    try Files.setMode(tree + "/a", 0o555)
    try Files.setMode(tree, 0o555)
    if User.isRoot {
      for path in ["", "/a", "/a/b", "/a/b/file"] { chown(tree + path, 65_534, 65_534) }
      chown(folder.path, 65_534, 65_534)
    }
    await #expect(processExitsWith: .success) { [tree = tree as String] in
      if User.isRoot { #expect(setuid(65_534) == 0) }
      try Files.remove(tree)
    }
    #expect(try Files.list(folder.path) == [])
    #expect(Files.exists("/etc/passwd"))
    try Files.remove(tree)
  }

  @Test func foldersAreMadeWithThoseAbove() throws {
    try Files.makeFolder(path("a/b/c"))
    try Files.makeFolder(path("a/b/c"))
    #expect(Files.isFolder(path("a/b/c")))
    try folder.write("file", "")
    #expect(throws: PosixError("make folder", path("file"), .notADirectory)) {
      try Files.makeFolder(path("file"))
    }
    #expect(throws: PosixError.self) { try Files.makeFolder(path("file/x/y")) }
  }

  @Test func readsHaveALimit() throws {
    try folder.write("big", [UInt8](repeating: 0, count: 1001))
    #expect(try Files.read(path("big"), limit: 1001).count == 1001)
    #expect(throws: PosixError("read", path("big"), .fileTooLarge)) {
      try Files.read(path("big"), limit: 1000)
    }
    #expect(try Files.readIfThere(path("none")) == nil)
    #expect(try Files.readIfThere(path("big/none")) == nil)
    let error = PosixError("read", "mix.exs", .accessDenied)
    #expect(error.description == "cannot read 'mix.exs': permission denied")
  }

  @Test func partsOfPaths() {
    let cases = [("/a/b", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/b", "a", "b")]
    for (path, parent, name) in cases {
      #expect([Files.parent(of: path), Files.name(of: path)] == [parent, name])
    }
  }
}

@Suite struct FileTreeTests {
  @Test func aCopyIsTheSameTree() throws {
    let folder = try TemporaryFolder("tree")
    let (source, target) = (folder.path + "/source", folder.path + "/target")
    try folder.write("source/bin/run", "#!/bin/sh\n", mode: 0o755)
    try folder.write("source/lib/a", "a", mode: 0o640)
    try folder.write("source/skipped/deep/file", "x")
    try Files.makeFolder(source + "/empty")
    try Files.symbolicLink(to: "../lib/a", at: source + "/bin/link")
    try Files.symbolicLink(to: "/nowhere", at: source + "/bin/dangling")
    try Files.setMode(source + "/lib", 0o555)
    try FileTree.copy(source, to: target, skipping: { $0 == "skipped" })
    #expect(
      try FileTree.entries(of: target).map {
        "\($0.path) \($0.info.kind) \($0.info.kind == .link ? "" : String($0.info.mode, radix: 8))"
      } == [
        "bin folder 755", "bin/dangling link ", "bin/link link ", "bin/run file 755",
        "empty folder 700", "lib folder 755", "lib/a file 640",
      ])
    #expect(try Files.read(target + "/bin/run") == Array("#!/bin/sh\n".utf8))
    #expect(try Files.target(ofLink: target + "/bin/dangling") == "/nowhere")
  }

  @Test func refusals() throws {
    let folder = try TemporaryFolder("tree")
    try folder.write("source/a", "a")
    #expect(mkfifo(folder.path + "/source/pipe", 0o644) == 0)
    #expect(throws: PosixError("copy", folder.path + "/source/pipe", .invalid)) {
      try FileTree.copy(folder.path + "/source", to: folder.path + "/target")
    }
    let deep = (0..<140).map { _ in "d" }.joined(separator: "/")
    try Files.makeFolder(folder.path + "/deep/" + deep)
    do throws(PosixError) {
      _ = try FileTree.entries(of: folder.path + "/deep")
      Issue.record("a tree of 140 folders in one another was read")
    } catch { #expect(error.errno == Errno(rawValue: ELOOP)) }
  }
}
