import Glibc
import Posix
import Synchronization
import TestSupport
import Testing

/// What an app leaves in its folders is removed by root, and the app chooses what lies there.
@Suite(.serialized) struct TreeRemovalTests {
  let folder: TemporaryFolder
  var tree: String { folder.path + "/tree" }
  var outside: String { folder.path + "/outside" }

  init() throws {
    folder = try TemporaryFolder("removal", inMemory: true)
    try folder.write("outside/sub/file", "stays")
    try Files.makeFolder(folder.path + "/tree")
  }

  private func outsideIsWhole() -> Bool {
    (try? FileTree.entries(of: outside).map(\.path)) == ["sub", "sub/file"]
      && (try? Files.read(outside + "/sub/file")) == Array("stays".utf8)
      && (try? Files.info(outside))?.mode == 0o755
  }

  enum Hostile: CaseIterable {
    case links, specialFiles, names, deep, wide, hardLinks
  }

  @Test(arguments: Hostile.allCases) func aHostileTreeIsRemoved(_ kind: Hostile) throws {
    switch kind {
    case .links:
      let targets = [outside, outside + "/sub/file", "..", ".", "/", "nowhere", "loop"]
      for (number, target) in targets.enumerated() {
        try Files.symbolicLink(to: target, at: "\(tree)/\(number)")
        try Files.makeFolder("\(tree)/in\(number)")
        try Files.symbolicLink(to: target, at: "\(tree)/in\(number)/link")
      }
      try Files.symbolicLink(to: "loop", at: tree + "/loop")
    case .specialFiles:
      #expect(mkfifo(tree + "/pipe", 0o600) == 0)
      #expect(mknod(tree + "/socket", S_IFSOCK | 0o600, 0) == 0)
      try folder.write("tree/sub/none", "", mode: 0o000)
    case .names:
      for byte in UInt8(1)...255 where byte != UInt8(ascii: "/") && byte != UInt8(ascii: ".") {
        let name = Self.cString(tree) + [CChar(bitPattern: byte)]
        #expect(mkdir(name + [0], 0o700) == 0)
        #expect(mkfifo(name + [47, 45, 114, 102, 0], 0o600) == 0)
      }
      #expect(mkdir(tree + "/" + String(repeating: "n", count: 255), 0o700) == 0)
    case .deep: try Self.makeDeep(tree, 10_000)
    case .wide:
      for number in 0..<3000 { try Files.makeFolder("\(tree)/\(number % 60)/\(number)") }
    case .hardLinks: try Files.hardLink(outside + "/sub/file", at: tree + "/file")
    }
    try Files.remove(tree)
    #expect(try Files.list(folder.path) == ["outside"])
    #expect(outsideIsWhole())
  }

  @Test func aLinkInThePlaceOfTheTreeIsRemovedAlone() throws {
    try Files.remove(tree)
    try Files.symbolicLink(to: outside, at: tree)
    try Files.remove(tree)
    try Files.remove(tree)
    try Files.remove(tree + "/missing/too")
    try Files.remove(outside + "/sub/file/below")
    #expect(outsideIsWhole())
  }

  /// A program that starts with few descriptors, or with many open ones, removes deep trees too.
  @Test func depthCostsNoDescriptors() async throws {
    try Self.makeDeep(tree, 2000)
    await #expect(processExitsWith: .success) { [tree = tree as String] in
      var limit = rlimit(rlim_cur: 60, rlim_max: 60)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
      try Files.remove(tree)
    }
    #expect(try Files.list(folder.path) == ["outside"])
  }

  /// What cannot be removed is named, and the rest is removed. Another user's folder is such a thing, unless for root.
  @Test func whatCannotBeRemovedIsSaid() async throws {
    try #require(User.isRoot, "this test needs root, to make files of two users")
    for number in 0..<40 { try folder.write("tree/a\(number)/file", "x") }
    try folder.write("tree/b/others/file", "x")
    try folder.write("tree/c/file", "x")
    try FileTree.give(folder.path, to: 65_534)
    chown(tree + "/b/others", 0, 0)
    await #expect(processExitsWith: .success) { [tree = tree as String] in
      #expect(setuid(65_534) == 0)
      #expect(throws: PosixError("remove", tree + "/b/others/file", .accessDenied)) {
        try Files.remove(tree)
      }
    }
    #expect(try FileTree.entries(of: tree).map(\.path) == ["b", "b/others", "b/others/file"])
    try Files.remove(tree)
    #expect(!Files.exists(tree))
  }

  /// A bind mount has the device of the tree itself.
  @Test func mountsAreNotEntered() throws {
    for name in ["bound", "disk"] { try folder.write("tree/\(name)/.hidden", "") }
    try folder.write("tree/z/file", "x")
    let script = """
      mount --bind "$0/outside" "$0/tree/bound" && mount -t tmpfs none "$0/tree/disk" &&
      echo x > "$0/tree/disk/file" && echo ready && exec cat
      """
    let (reading, leash) = try File.pipe()
    let (answers, writing) = try File.pipe()
    let holder = try Child.start(
      Invocation(
        ["unshare", User.isRoot ? "-m" : "-rm", "sh", "-c", script, folder.path], in: "/",
        environment: ["PATH": Invocation.standardPath]),
      input: .file(reading), output: .file(writing), errors: .file(writing))
    defer {
      holder.signal(.kill)
      _ = holder.wait()
    }
    let answer = String(decoding: try answers.read(upTo: 4096), as: UTF8.self)
    try #require(answer == "ready\n", "this test needs mount namespaces: \(answer)")
    let seen = "/proc/\(holder.pid)/root" + tree
    let error = #expect(throws: PosixError.self) { try Files.remove(seen) }
    #expect(error?.errno == .crossDevice)
    #expect(error?.subject.hasPrefix(seen + "/") == true)
    #expect(try Files.list(seen) == ["bound", "disk"])
    #expect(Files.exists(seen + "/disk/file"))
    #expect(outsideIsWhole())
    withExtendedLifetime(leash) {}
  }

  /// While the tree is removed, its owner exchanges folders and links to a folder that it must not change, and moves
  /// folders away.
  @Test(arguments: ["", "/sub/sub/sub", "/sub" + String(repeating: "/sub", count: 40)])
  func nothingOutsideIsRemovedWhileTheTreeChanges(at depth: String) throws {
    let aside = folder.path + "/aside"
    try Files.makeFolder(aside)
    let isDone = Atomic(false)
    let removals = Atomic(0)
    // Glibc's Swift module leaves it out. renameat2(2), RENAME_EXCHANGE
    typealias Exchange =
      @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
    let exchange = unsafeBitCast(try #require(dlsym(nil, "renameat2")), to: Exchange.self)
    let (tree, outside, place) = (tree, outside, tree + depth)
    Threads.run(3) { thread in
      if thread == 0 {
        let end = Clock.monotonic() + 300
        while Clock.monotonic() < end {
          try? Files.makeFolder(place + "/moved/a/b")
          for number in 0..<50 { mkdir("\(place)/\(number)", 0o700) }
          if (try? Files.remove(tree)) != nil { removals.add(1, ordering: .relaxed) }
        }
        isDone.store(true, ordering: .sequentiallyConsistent)
      }
      let link = aside + "/link"
      let names = (0..<50).map { "\(place)/\($0)" }
      while !isDone.load(ordering: .sequentiallyConsistent) {
        if thread == 1 {
          for name in names {
            // A folder may have got to the link's place.
            rmdir(link)
            symlink(outside, link)
            for _ in 0..<4 { _ = exchange(AT_FDCWD, name, AT_FDCWD, link, 2) }
          }
        } else {
          Clock.pause(milliseconds: 1)
          rename(place + "/moved/a", aside + "/a")
          rename(aside + "/a", place + "/moved/a")
        }
      }
    }
    #expect(removals.load(ordering: .relaxed) > 0)
    #expect(outsideIsWhole())
    try Files.remove(tree)
    #expect(!Files.exists(tree))
  }

  private static func cString(_ path: String) -> [CChar] {
    path.utf8.map(CChar.init(bitPattern:)) + [47]
  }

  /// Makes a chain of folders whose path is too long for a system call.
  private static func makeDeep(_ top: String, _ depth: Int) throws {
    var above = try File.open(top, .folder)
    for _ in 0..<depth {
      mkdirat(above.descriptor, "sub", 0o700)
      above = File(owning: openat(above.descriptor, "sub", O_DIRECTORY), name: "sub")
    }
    mkfifoat(above.descriptor, "pipe", 0o600)
  }
}
