import Posix
import TestSupport
import Testing

@testable import Buildpack

/// A build without a compiler: folders with files in them.
struct CacheBench {
  let folder: TemporaryFolder
  var cache: BuildCache { BuildCache(folder: folder.path + "/cache/reltui") }
  var file: String { folder.path + "/cache/reltui/build.cache" }

  static let source = [
    "mix.exs": "project", "mix.lock": "locked", "lib/a.ex": "a", "lib/page.html.heex": "page",
    "lib/mail.eex": "mail", "README.md": "read", "apps/b/mix.exs": "child",
    "apps/b/lib/b.ex": "b", "priv/data": "data",
  ]
  static let dependencies = ["d/mix.exs": "d", "d/lib/d.ex": "dd", "d/.fetch": ""]
  static let build = [
    "lib/a/ebin/a.beam": "beam a", "lib/d/ebin/d.beam": "beam d", "lib/e/ebin/e.beam": "beam e",
  ]
  static let slug = [
    "bin/a": "start", "lib/a/ebin/a.beam": "stripped", ".reltui/manifest.json": "",
  ]

  init() throws { folder = try TemporaryFolder("cache", inMemory: true) }

  struct Tree {
    let source: String
    let digests: SourceDigests
    var dependencies: String { source + "/deps" }
    var build: String { source + "/.relpack-1/build" }
    var slug: String { source + "/.relpack-1/slug" }
  }

  static func write(_ files: [String: String], to folder: String) throws {
    for (path, text) in files {
      try Files.makeFolder(Files.parent(of: folder + "/" + path), mode: 0o755)
      try File.open(folder + "/" + path, .replace, mode: 0o644).write(text)
      try Files.setMode(folder + "/" + path, path.hasPrefix("bin/") ? 0o755 : 0o644)
    }
  }

  func checkOut(_ files: [String: String] = source) throws -> Tree {
    let source = folder.path + "/source-" + Random.hex(3)
    try Self.write(files, to: source)
    for path in files.keys { try Files.setModified(source + "/" + path, 1_700_000_000) }
    try Files.makeFolder(source + "/.relpack-1")
    return Tree(
      source: source,
      digests: try SourceDigests.read(source, lookingFor: ["SOURCE_VERSION", "OTHER"]))
  }

  static func key(
    _ changes: [String: String] = [:], variables: [String: String] = ["SOURCE_VERSION": "1"]
  ) -> CacheKey {
    var values = [
      "mix.lock": "0123", "Elixir": "1.14.0", "config": String(repeating: "9", count: 64),
    ]
    values.merge(changes) { $1 }
    return CacheKey(
      parts: ["mix.lock", "Elixir", "config"].compactMap { name in
        values[name].flatMap { $0.isEmpty ? nil : CacheKey.Part(name: name, value: $0) }
      }, lock: "mix.lock", variables: variables)
  }

  /// The source lies where it is to be built.
  func restore(_ wanted: BuildCache.Wanted, _ other: BuildCache? = nil) -> BuildCache.Reuse {
    (other ?? cache).restore(wanted) {}
  }

  func wanted(_ tree: Tree, _ key: CacheKey = key()) -> BuildCache.Wanted {
    BuildCache.Wanted(
      key: key, digests: tree.digests, origin: tree.source, root: tree.source, source: tree.source,
      dependencies: tree.dependencies,
      build: tree.build, slug: tree.slug)
  }

  func made(_ tree: Tree, _ key: CacheKey = key()) -> BuildCache.Made {
    BuildCache.Made(
      key: key, digests: tree.digests, origin: tree.source, root: tree.source,
      dependencies: tree.dependencies, dependenciesPlace: tree.dependencies, build: tree.build,
      buildPlace: tree.build, slug: tree.slug, ownApplications: ["a", "b"])
  }

  /// A first build, kept.
  @discardableResult
  func fill(
    _ files: [String: String] = source, _ key: CacheKey = key(),
    change: (Tree, inout BuildCache.Made) throws -> Void = { _, _ in }
  ) throws -> Tree {
    let tree = try checkOut(files)
    try Self.write(Self.dependencies, to: tree.dependencies)
    try touchLater(tree.dependencies + "/d/.fetch")
    try Self.write(Self.build, to: tree.build)
    try Self.write(Self.slug, to: tree.slug)
    try Files.makeFolder(tree.slug + "/empty", mode: 0o755)
    try Files.symbolicLink(to: "../bin/a", at: tree.slug + "/lib/link")
    try Files.symbolicLink(to: "../../../../deps/d", at: tree.build + "/lib/d/priv")
    var made = made(tree, key)
    try change(tree, &made)
    #expect(cache.store(made) == nil)
    return tree
  }

  /// As mix does once all is fetched. A file system's clock ticks slowly.
  func touchLater(_ mark: String) throws {
    let folder = Files.parent(of: mark)
    let others = try FileTree.entries(of: folder).filter { $0.path != ".fetch" }
    let before = others.compactMap { Files.statusChanged(folder + "/" + $0.path) }.max() ?? .max
    _ = try Workspace.wait(milliseconds: 2000) {
      try Files.setModified(mark, 1_700_000_000)
      return Files.statusChanged(mark).flatMap { $0 > before ? true : nil }
    }
  }

  /// Paths with what they hold.
  static func contents(_ folder: String) throws -> [String] {
    guard Files.isFolder(folder) else { return [] }
    return try FileTree.entries(of: folder).compactMap { entry in
      let path = folder + "/" + entry.path
      switch entry.info.kind {
      case .file:
        let mode = String(entry.info.mode, radix: 8)
        return "\(entry.path) \(mode) " + String(decoding: try Files.read(path), as: UTF8.self)
      case .link: return "\(entry.path) -> \(try Files.target(ofLink: path))"
      case .folder: return entry.path + "/"
      case .other: return entry.path + " ?"
      }
    }
  }
}
