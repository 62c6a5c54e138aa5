import Posix

extension BuildCache {
  /// The results of a successful build that the cache keeps.
  struct Made: Sendable {
    var key: CacheKey
    /// Of the original source, before anything was fetched or made in it.
    var digests: SourceDigests
    var origin: String
    /// The folder that holds dependencies and compiled code.
    var root: String
    var dependencies: String?
    /// The folder of dependencies, even if they are not kept.
    var dependenciesPlace: String
    /// The folder of compiled code; nil if another build must not use it.
    var build: String?
    /// The folder of compiled code, even if it is not kept.
    var buildPlace: String
    /// The slug's folder; nil if another build must not use it.
    var slug: String?
    /// Applications that are not fetched dependencies: the source's own, children of an umbrella, path dependencies.
    var ownApplications: Set<String>
    var leavingOut: Set<String> = []
  }

  /// Writes the results into the cache. They must still be in place.
  /// - Returns: why the cache was not written, in one line; nil on success.
  func store(_ made: Made) -> String? {
    guard !isOff, let folder else { return nil }
    do throws(PosixError) {
      try Files.makeFolder(folder, mode: 0o755)
      let folder = try File.open(folder, .folder)
      Self.clean(folder)
      let name = Self.new + Random.hex(4)
      let file = try File.open(name, .create, in: folder)
      do throws(PosixError) {
        // The lock keeps other builds from removing the file as a leftover before it is renamed.
        let lock = try Lock.take(file)
        try CacheFileWriter.write(made, to: file)
        try Files.rename(name, to: Self.file, in: folder)
        _ = lock
      } catch {
        try? Files.remove(name, in: folder)
        throw error
      }
      return nil
    } catch { return "the cache was not written: \(error)" }
  }

  private static let new = "build.new-"

  /// Removes files that killed builds have left.
  private static func clean(_ folder: File) {
    let names = (try? Files.list(folder.name, skippingOthers: true)) ?? []
    for name in names where name.hasPrefix(new) {
      guard let file = try? File.open(name, .read, in: folder),
        (try? Lock.isHeld(file)) == false,
        // Another build may have made the file and not locked it yet.
        let changed = Files.modified(folder.name + "/" + name),
        Clock.now() - changed / 1_000_000 > 60_000
      else { continue }
      try? Files.remove(name, in: folder)
    }
  }
}

struct CacheFileWriter {
  private let file: File
  private var buffer: [UInt8] = []
  private var search: WordSearch

  static func write(_ made: BuildCache.Made, to file: File) throws(PosixError) {
    let words = made.key.variables.keys.sorted()
    var writer = CacheFileWriter(file: file, search: WordSearch(words, git: false))
    var index = CacheIndex(
      key: made.key.parts,
      layout: BuildCache.layout(
        made.root, dependencies: made.dependenciesPlace, build: made.buildPlace),
      source: made.digests.files,
      mentioned: made.key.values(of: made.digests.mentioned, in: made.origin),
      mentionedByDependencies: [:], own: made.ownApplications)
    for part in CacheIndex.Part.allCases { index.trees[part] = try writer.write(part, of: made) }
    index.mentionedByDependencies = made.key.values(of: writer.search.found, in: made.origin)
    try writer.end(index.bytes)
  }

  private mutating func write(_ part: CacheIndex.Part, of made: BuildCache.Made)
    throws(PosixError) -> CacheIndex.Tree?
  {
    let folder: String? =
      switch part {
      case .dependencies: made.dependencies
      case .build: made.digests.unfit == nil ? made.build : nil
      case .slug: made.digests.unfit == nil ? made.slug : nil
      }
    guard let folder, Files.isFolder(folder) else { return nil }
    let prefix = part == .slug ? "" : CachePath.relative(folder, to: made.root)
    let all = try FileTree.entries(of: folder)
    var leftOut = part == .build ? made.leavingOut : []
    for entry in all where !(try isFit(entry, folder, prefix)) {
      // A slug is kept completely or not at all.
      guard part != .slug, let unit = CachePath.unit(of: entry.path, part) else { return nil }
      leftOut.insert(unit)
    }
    var tree = CacheIndex.Tree()
    for entry in all {
      if let unit = CachePath.unit(of: entry.path, part), leftOut.contains(unit) { continue }
      tree.entries.append(try write(entry, folder, isSearched: part == .dependencies))
    }
    if part == .dependencies { tree.untouched = Self.untouched(tree, folder) }
    return tree
  }

  /// Names of the dependencies in which nothing has changed since they were fetched. mix touches `.fetch` in each of
  /// them after it has fetched all. Files made or changed later have a newer status change time, which cannot be set.
  private static func untouched(_ tree: CacheIndex.Tree, _ folder: String) -> Set<String> {
    var fetched: [String: Int64] = [:]
    for entry in tree.entries where CachePath.isFetchMark(entry.path) {
      fetched[Files.parent(of: entry.path)] = Files.statusChanged(folder + "/" + entry.path)
    }
    var untouched = Set(fetched.keys)
    for entry in tree.entries where entry.kind != .folder && !CachePath.isFetchMark(entry.path) {
      guard let unit = CachePath.unit(of: entry.path, .dependencies), let mark = fetched[unit]
      else {
        continue
      }
      if Files.statusChanged(folder + "/" + entry.path).map({ $0 >= mark }) ?? true {
        untouched.remove(unit)
      }
    }
    return untouched
  }

  private func isFit(_ entry: FileTree.Entry, _ folder: String, _ prefix: String)
    throws(PosixError) -> Bool
  {
    guard entry.info.kind == .link else { return entry.info.kind != .other }
    return CachePath.staysInside(
      link: CachePath.join(prefix, entry.path),
      target: try Files.target(ofLink: folder + "/" + entry.path))
  }

  private mutating func write(_ entry: FileTree.Entry, _ folder: String, isSearched: Bool)
    throws(PosixError) -> CacheIndex.Entry
  {
    let path = folder + "/" + entry.path
    var kept = CacheIndex.Entry(path: entry.path, kind: .folder)
    if entry.info.kind == .link {
      (kept.kind, kept.target) = (.link, try Files.target(ofLink: path))
    } else if entry.info.kind == .file {
      (kept.kind, kept.mode) = (.file, UInt32(entry.info.mode & 0o777))
      let input = try File.open(path, .read)
      var hash = SHA256()
      search.begin()
      while true {
        let bytes = try input.read(upTo: min(entry.info.size + 1, 1 << 20))
        if bytes.isEmpty { break }
        hash.update(bytes)
        if isSearched, WordSearch.isSearched(path) { search.take(bytes) }
        kept.size += bytes.count
        try put(bytes)
      }
      kept.digest = hash.finish()
    }
    return kept
  }

  private mutating func put(_ bytes: [UInt8]) throws(PosixError) {
    buffer += bytes
    if buffer.count < 1 << 20 { return }
    try file.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func end(_ index: [UInt8]) throws(PosixError) {
    var end = CacheWriter()
    end.put(index.count)
    try put(index + end.bytes + SHA256.digest(index) + CacheFile.format)
    try file.write(buffer)
    buffer = []
    if try file.size() > CacheFile.greatestSize || index.count > CacheFile.greatestIndex {
      throw PosixError("keep", "the build", .fileTooLarge)
    }
  }
}
