import Glibc
import Posix
import TestSupport
import Testing

@testable import Buildpack

/// Caches that something else has written to, or that were never ours.
@Suite(.waitsForPrograms) struct HostileCacheTests {
  private static func reason(_ reuse: BuildCache.Reuse) -> String? {
    if case .nothing(let why) = reuse { why } else { nil }
  }

  /// Restores, and looks whether anything of it is there when it should not be.
  private static func restore(_ bench: CacheBench) throws -> BuildCache.Reuse {
    let tree = try bench.checkOut()
    let reuse = bench.restore(bench.wanted(tree))
    if reuse != .slug {
      #expect(try Files.list(tree.source + "/.relpack-1") == [])
      #expect(!Files.exists(tree.dependencies))
    }
    return reuse
  }

  /// An index and files, as an attacker who knows the format would make them.
  private static func forge(_ bench: CacheBench, _ entries: [CacheIndex.Entry]) throws {
    let tree = try bench.checkOut()
    var index = CacheIndex(
      key: CacheBench.key().parts,
      layout: BuildCache.layout(tree.source, dependencies: tree.dependencies, build: tree.build),
      source: tree.digests.files, mentioned: [:], mentionedByDependencies: [:], own: [])
    index.trees = [.build: CacheIndex.Tree(), .slug: CacheIndex.Tree(entries: entries)]
    var end = CacheWriter()
    end.put(index.bytes.count)
    let bytes = index.bytes + end.bytes + SHA256.digest(index.bytes) + CacheFile.format
    try Files.makeFolder(Files.parent(of: bench.file))
    try File.open(bench.file, .replace).write(Array("x".utf8) + bytes)
  }

  private func entry(_ path: String, size: Int = 1, text: String = "x")
    -> CacheIndex.Entry
  {
    CacheIndex.Entry(
      path: path, kind: .file, mode: 0o6755, size: size, digest: SHA256.digest(Array(text.utf8)))
  }

  private func folder(_ path: String) -> CacheIndex.Entry {
    CacheIndex.Entry(path: path, kind: .folder)
  }

  private func link(_ path: String, _ target: String) -> CacheIndex.Entry {
    CacheIndex.Entry(path: path, kind: .link, target: target)
  }

  @Test func names() throws {
    let deep = (0..<200).map { _ in "a" }.joined(separator: "/")
    let name = "the cache is damaged: a name in its slug"
    let cases: [([CacheIndex.Entry], String)] = [
      ([entry("../out")], name), ([entry("/tmp/out")], name), ([entry("a/../../out")], name),
      ([entry("a//b")], name), ([entry("./a")], name), ([entry("")], name), ([entry("a\0b")], name),
      ([entry(deep)], name), ([entry("a/b")], name), ([entry("a"), entry("a", size: 0)], name),
      ([link("a", "b"), entry("a/x")], name), ([entry("a"), entry("a/x", size: 0)], name),
      ([entry("x"), link("a", "/etc")], "the cache is damaged: the link slug/a"),
      ([entry("x"), link("a", "../..")], "the cache is damaged: the link slug/a"),
      ([entry("x"), link("a", "")], "the cache is damaged: the link slug/a"),
      ([entry("x", text: "y")], "the cache is damaged: slug/x"),
      ([entry("x", size: 2)], "the cache is damaged: its length"),
      ([entry("x", size: 1 << 39), entry("y", size: 1 << 39)], "the cache is damaged: its length"),
      ([entry("x", size: 1 << 62)], "the cache is damaged: its index"),
    ]
    for (entries, expected) in cases {
      let bench = try CacheBench()
      try Self.forge(bench, entries)
      #expect(Self.reason(try Self.restore(bench)) == expected, "\(entries)")
      // The damaged file was removed, so the next build finds none.
      #expect(!Files.exists(bench.file))
      #expect(!Files.exists("/tmp/out"))
    }
    let bench = try CacheBench()
    try Self.forge(bench, [folder("a\nb"), entry("a\nb/x")])
    let tree = try bench.checkOut()
    #expect(bench.restore(bench.wanted(tree)) == .slug)
    // Neither setuid nor writable by others.
    #expect(try Files.info(tree.slug + "/a\nb/x")?.mode == 0o755)
  }

  @Test func everyCutAndEveryFlippedByteIsFound() throws {
    let bench = try CacheBench()
    try bench.fill()
    let tree = try bench.checkOut()
    let bytes = try Files.read(bench.file)
    var wrong: [String] = []
    func look(_ changed: [UInt8], _ what: String) throws {
      try File.open(bench.file, .replace).write(changed)
      let reuse = bench.restore(bench.wanted(tree))
      if case .nothing(let why) = reuse, why.hasPrefix("the cache is damaged: ") { return }
      // The build's files are not read for a slug.
      if reuse != .slug { wrong.append("\(what): \(reuse)") }
      try Files.remove(tree.slug)
    }
    for count in stride(from: 0, to: bytes.count, by: 7) {
      try File.open(bench.file, .replace).write(Array(bytes.prefix(count)))
      if case .nothing = bench.restore(bench.wanted(tree)) { continue }
      wrong.append("\(count) bytes")
    }
    for place in stride(from: 0, to: bytes.count, by: 3) {
      var changed = bytes
      changed[place] ^= 0x11
      try look(changed, "byte \(place)")
    }
    #expect(wrong == [])
  }

  /// Indexes with a right digest and anything in them.
  @Test func anyIndexIsReadWithoutATrap() throws {
    let bench = try CacheBench()
    try bench.fill()
    let file = try CacheFile.open(bench.cache.folder)
    var random = Scramble(7)
    var read = 0
    for _ in 0..<3000 {
      let bytes = random.mutate(file.index.bytes)
      if (try? CacheIndex(bytes)) != nil { read += 1 }
    }
    #expect(read < 3000)
  }

  @Test func damagedFilesAreNamed() throws {
    for (text, expected) in [
      ("beam d", "build/lib/d/ebin/d.beam"), ("dd", "dependencies/d/lib/d.ex"),
    ] {
      let bench = try CacheBench()
      try bench.fill()
      var bytes = try Files.read(bench.file)
      let place = try #require(bytes.indices.first { bytes.has(Array(text.utf8), at: $0) })
      bytes[place] ^= 1
      try File.open(bench.file, .replace).write(bytes)
      var files = CacheBench.source
      files["lib/a.ex"] = "A"
      let tree = try bench.checkOut(files)
      #expect(
        bench.restore(bench.wanted(tree)) == .nothing("the cache is damaged: \(expected)"))
      #expect(try Files.list(tree.source + "/.relpack-1") == [])
      #expect(!Files.exists(tree.dependencies))
      // And the cache heals.
      try bench.fill()
      #expect(try Self.restore(bench) == .slug)
    }
  }

  /// What lies in the place of the folder or of the file.
  @Test func otherThings() throws {
    let cases: [(String, String?, (CacheBench) throws -> Void)] = [
      (
        "a link to a folder", "not a directory",
        { bench in
          try Files.rename(bench.folder.path + "/cache/reltui", to: bench.folder.path + "/moved")
          try Files.symbolicLink(to: "../moved", at: bench.folder.path + "/cache/reltui")
        }
      ),
      (
        "a link to a file", "too many levels",
        { bench in
          try Files.remove(bench.file)
          try Files.symbolicLink(to: "/etc/passwd", at: bench.file)
        }
      ),
      (
        "a pipe", "is not a file",
        { bench in
          try Files.remove(bench.file)
          mkfifo(bench.file, 0o600)
        }
      ),
      (
        "a folder", "is not a file",
        { bench in
          try Files.remove(bench.file)
          try Files.makeFolder(bench.file + "/deep/er")
        }
      ),
      (
        "a sparse file", "is truncated",
        { bench in
          try File.open(bench.file, .update).truncate(to: 1 << 40)
        }
      ),
      (
        "a sparse file of a size that we take", "is truncated",
        { bench in
          try File.open(bench.file, .update).truncate(to: 3 << 30)
        }
      ),
      (
        "a file that others may write to", "others may write to the cache",
        { bench in
          try Files.setMode(bench.file, 0o662)
        }
      ),
      (
        "another user's file", "the cache belongs to user 1001",
        { bench in
          if User.isRoot { try Files.setOwner(bench.file, 1001) }
        }
      ),
      (
        "no folder", "the cache is empty",
        { bench in
          try Files.remove(bench.folder.path + "/cache")
        }
      ),
    ]
    for (name, expected, change) in cases {
      let bench = try CacheBench()
      try bench.fill()
      try change(bench)
      if name.hasPrefix("another"), !User.isRoot { continue }
      let start = Clock.monotonic()
      let why = Self.reason(try Self.restore(bench))
      #expect(why?.contains(expected ?? "") == true, "\(name): \(why ?? "reused")")
      #expect(Clock.monotonic() - start < 1000)
    }
  }

  /// A store changes nothing outside, and says in one line why it cannot.
  @Test func storesIntoOtherThings() throws {
    let bench = try CacheBench()
    let cache = bench.folder.path + "/cache"
    let tree = try bench.checkOut()
    try CacheBench.write(CacheBench.build, to: tree.build)
    func store() -> String? { bench.cache.store(bench.made(tree)) }
    try Files.makeFolder(bench.folder.path + "/elsewhere")
    try Files.makeFolder(cache)
    try Files.symbolicLink(to: "../elsewhere", at: cache + "/reltui")
    #expect(store() == "the cache was not written: cannot read '\(cache)/reltui': not a directory")
    #expect(try Files.list(bench.folder.path + "/elsewhere") == [])
    try Files.remove(cache + "/reltui")
    try bench.folder.write("target", "kept")
    try Files.makeFolder(cache + "/reltui")
    try Files.symbolicLink(to: bench.folder.path + "/target", at: bench.file)
    #expect(store() == nil)
    #expect(try Files.read(bench.folder.path + "/target") == Array("kept".utf8))
    #expect(try Files.info(bench.file)?.kind == .file)
    try Files.remove(bench.file)
    try Files.makeFolder(bench.file + "/x")
    #expect(store()?.hasPrefix("the cache was not written: cannot rename") == true)
    #expect(try Files.list(cache + "/reltui") == ["build.cache"])
    try Files.remove(cache)
    try bench.folder.write("cache", "a file")
    #expect(
      store() == "the cache was not written: cannot make folder '\(cache)/reltui': not a directory")
    #expect(BuildCache(folder: nil).store(bench.made(tree)) == nil)
    #expect(BuildCache(folder: cache, isOff: true).store(bench.made(tree)) == nil)
  }

  /// A device that is always full.
  @Test func aStoreThatFailsLeavesTheOldOne() throws {
    let bench = try CacheBench()
    try bench.fill()
    let before = try Files.read(bench.file)
    let tree = try bench.checkOut()
    try CacheBench.write(CacheBench.build, to: tree.build)
    try Files.remove(tree.build + "/lib/d/ebin/d.beam")
    // A name that is not UTF-8 cannot be kept.
    let name: [CChar] = Array((tree.build + "/lib/d/").utf8CString.dropLast()) + [-1, 0]
    #expect(mkdir(name, 0o755) == 0)
    #expect(bench.cache.store(bench.made(tree))?.hasPrefix("the cache was not written: ") == true)
    #expect(try Files.read(bench.file) == before)
    #expect(try Files.list(bench.folder.path + "/cache/reltui") == ["build.cache"])
    let file = try File.open("/dev/full", .replace)
    #expect(throws: PosixError("write", "/dev/full", .noSpace)) {
      try Files.remove(tree.build + "/lib/d")
      try CacheFileWriter.write(bench.made(tree), to: file)
    }
  }

  @Test func whatKilledBuildsLeft() throws {
    let bench = try CacheBench()
    try bench.fill()
    let folder = bench.folder.path + "/cache/reltui/"
    let old = Int(Clock.now() / 1000) - 3600
    for name in ["build.new-old", "build.new-held", "build.new-young", "other"] {
      try Files.replace(folder + name, with: [1])
      if name != "build.new-young" { try Files.setModified(folder + name, old) }
    }
    let lock = try Lock.take(folder + "build.new-held")
    try Files.setModified(folder + "build.new-held", old)
    try bench.fill()
    #expect(
      try Files.list(folder) == ["build.cache", "build.new-held", "build.new-young", "other"])
    #expect(lock != nil)
  }

  /// Builds at once, each with a source of its own: what one gets is one that was stored, whole.
  @Test func atOnce() async throws {
    let bench = try CacheBench()
    var sources: [[String: String]] = []
    for number in 0..<4 {
      var files = CacheBench.source
      files["lib/a.ex"] = "a\(number)"
      sources.append(files)
    }
    let found = try await withThrowingTaskGroup(of: [String].self) { group in
      for files in sources {
        group.addTask {
          var found: [String] = []
          for _ in 0..<20 {
            try bench.fill(files) { tree, _ in
              try CacheBench.write(["bin/a": files["lib/a.ex"] ?? ""], to: tree.slug)
            }
            let tree = try bench.checkOut(files)
            switch bench.restore(bench.wanted(tree)) {
            case .slug:
              let text = try Files.read(tree.slug + "/bin/a")
              if text != Array((files["lib/a.ex"] ?? "").utf8) { found.append("another's slug") }
            case .compiled("lib/a.ex changed"): break
            case let other: found.append("\(other)")
            }
          }
          return found
        }
      }
      return try await group.reduce([], +)
    }
    #expect(found == [])
    #expect(try Files.list(bench.folder.path + "/cache/reltui") == ["build.cache"])
  }
}
