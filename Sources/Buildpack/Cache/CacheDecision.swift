/// The decision how much of a cache a build may use. It depends only on the inputs of this build and the cached one.
struct CacheDecision {
  let reuse: BuildCache.Reuse
  /// Paths of the source that have changed since the compiled code was made; nil if no compiled code is used.
  var changed: Set<String>?

  init(of index: CacheIndex, for wanted: BuildCache.Wanted) {
    let isFetched = index.trees[.dependencies].map { !$0.entries.isEmpty } ?? false
    let hasFetchedCode = Self.hasFetchedCode(index)
    /// The best choice if no code of the project itself can be used.
    func dependencies(compiled: Bool, _ why: [String]) -> BuildCache.Reuse {
      let why = Self.list(why)
      if compiled, hasFetchedCode { return .compiledDependencies(why) }
      let isUntouched = index.trees[.dependencies].map { !$0.untouched.isEmpty } ?? false
      return isUntouched ? .dependencies(why) : .nothing(why)
    }

    let lock = wanted.key.value(wanted.key.lock)
    if lock == nil, isFetched || hasFetchedCode {
      reuse = .nothing("there is no \(wanted.key.lock)")
      return
    }
    var differences = wanted.key.differences(from: index.key)
    if index.layout != wanted.layout { differences.append("the build's folders changed") }
    if !differences.isEmpty {
      let isSameLock = index.key.contains { $0.name == wanted.key.lock && $0.value == lock }
      reuse =
        isSameLock ? dependencies(compiled: false, differences) : .nothing(Self.list(differences))
      return
    }
    if let unfit = wanted.digests.unfit {
      reuse = dependencies(compiled: false, [unfit])
      return
    }
    let foreign = wanted.changes(of: index.mentionedByDependencies)
    let changes = SourceChange.between(index.source, wanted.digests.files)
    let vendored = changes.filter { wanted.isVendored($0.path) }
    if !foreign.isEmpty || !vendored.isEmpty {
      reuse = dependencies(compiled: false, foreign + vendored.map(\.text))
      return
    }
    let own = wanted.changes(of: index.mentioned)
    let untracked = changes.filter { !$0.isTracked(among: wanted.digests.files, own: index.own) }
    if !own.isEmpty || !untracked.isEmpty {
      reuse = dependencies(compiled: true, own + untracked.map(\.text))
    } else if changes.isEmpty, index.trees[.slug] != nil {
      reuse = .slug
    } else if index.trees[.build] != nil {
      reuse = .compiled(changes.isEmpty ? "nothing has changed" : Self.list(changes.map(\.text)))
      changed = Set(changes.map(\.path))
    } else {
      reuse = dependencies(compiled: false, ["no compiled code was kept"])
    }
    if case .compiledDependencies = reuse { changed = Set(changes.map(\.path)) }
  }

  private static func hasFetchedCode(_ index: CacheIndex) -> Bool {
    index.trees[.build]?.entries.contains { isFetched($0.path, index) } ?? false
  }

  private static func isFetched(_ path: String, _ index: CacheIndex) -> Bool {
    CachePath.application(path).map { !index.own.contains($0) } ?? false
  }

  func includes(_ path: String, of part: CacheIndex.Part, in index: CacheIndex) -> Bool {
    switch (part, reuse) {
    case (.build, .compiledDependencies): Self.isFetched(path, index)
    // Dependencies in which something was compiled hold results of the old tools.
    case (.dependencies, .dependencies):
      CachePath.unit(of: path, part).map {
        index.trees[part]?.untouched.contains($0) == true
      } ?? false
    default: true
    }
  }

  /// The first three reasons, and how many more there are.
  private static func list(_ reasons: [String]) -> String {
    let more = reasons.count - 3
    let shown = reasons.prefix(3).joined(separator: ", ")
    return more > 0 ? shown + " and \(more) more" : shown
  }
}

/// A file in which two sources differ.
struct SourceChange: Hashable, Sendable {
  enum Kind: String, Sendable { case changed, added, removed }
  let path: String
  let kind: Kind

  var text: String { "\(path) \(kind)" }

  static func between(_ old: [String: [UInt8]], _ new: [String: [UInt8]]) -> [SourceChange] {
    Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted().map { path in
      SourceChange(
        path: path, kind: old[path] == nil ? .added : new[path] == nil ? .removed : .changed)
    }
  }

  /// Whether mix itself finds and compiles everything that depends on this file.
  ///
  /// mix does this for Elixir files in an application's `lib`. It knows a template that was used, but not one that
  /// appears or disappears. It does not know Erlang headers and files that code reads while it is compiled.
  /// - Parameter own: names of the project's applications. Only a folder with such a name counts, because there may be
  ///   other projects, for example as data in `priv`.
  func isTracked(among source: [String: [UInt8]], own: Set<String>) -> Bool {
    // mix looks at the target of a link, not at the link.
    if source[path]?.first == 2 { return false }
    // Code may list a folder while it is compiled, so a new or missing file may change other code.
    guard kind == .changed, [".ex", ".heex", ".leex"].contains(where: { path.hasSuffix($0) })
    else { return false }
    var folder = path
    while let slash = folder.lastIndex(of: "/") {
      folder = String(folder[..<slash])
      if source[folder + "/mix.exs"] != nil {
        return own.contains(SourceChange.name(of: folder))
          && path.dropFirst(folder.count).hasPrefix("/lib/")
      }
    }
    return path.hasPrefix("lib/") && source["mix.exs"] != nil
  }

  private static func name(of folder: String) -> String {
    folder.split(separator: "/").last.map(String.init) ?? folder
  }
}

extension BuildCache.Wanted {
  /// The places of the dependencies and of compiled code, relative to the root.
  var layout: String { BuildCache.layout(root, dependencies: dependencies, build: build) }

  func isVendored(_ path: String) -> Bool {
    path.hasPrefix(CachePath.relative(dependencies, to: source) + "/")
  }

  func changes(of mentioned: [String: [UInt8]]) -> [String] {
    let now = key.values(of: Set(mentioned.keys), in: origin)
    return mentioned.keys.filter { mentioned[$0] != now[$0] }.sorted().map { $0 + " changed" }
  }
}

extension BuildCache {
  static func layout(_ root: String, dependencies: String, build: String) -> String {
    let depth = CachePath.relative(build, to: root).split(separator: "/").count
    return "\(depth) \(CachePath.relative(dependencies, to: root))"
  }
}
