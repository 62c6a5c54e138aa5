import Posix

/// The content of a source tree as digests. File times have no influence.
///
/// It is read before anything is restored or fetched, so a folder `deps` in it came with the source.
struct SourceDigests: Hashable, Sendable {
  /// By path relative to the source. Before the digest is one byte: 0 for a file, 1 for an executable, 2 for a link, whose
  /// digest is that of its target's text.
  let files: [String: [UInt8]]
  let folders: [String]
  /// The searched words that occur in some file. If code names a variable, compiled code may hold the variable's value.
  let mentioned: Set<String>
  /// Why compiled code cannot be matched to this source; nil if it can.
  let unfit: String?

  /// The word that means the state of the git repository.
  static let git = ".git"

  /// - Parameter words: names of variables whose values change from build to build. Calls of git are always included.
  static func read(_ source: String, lookingFor words: [String]) throws(PosixError)
    -> SourceDigests
  {
    var files: [String: [UInt8]] = [:]
    var folders: [String] = []
    var search = WordSearch(words)
    var unfit: String?
    // Files whose names are not UTF-8 are skipped: neither compilers nor slugs can hold them.
    for entry in try FileTree.entries(of: source, skippingOthers: true, skipping: isNoSource) {
      let path = source + "/" + entry.path
      switch entry.info.kind {
      case .file:
        let flag: UInt8 = entry.info.isExecutable ? 1 : 0
        files[entry.path] = [flag] + (try digest(path, entry.info.size, &search))
      case .link:
        let target = try Files.target(ofLink: path)
        files[entry.path] = [2] + SHA256.digest(Array(target.utf8))
        if !leadsInside(entry.path, target, source) {
          unfit = unfit ?? "'\(entry.path)' is a link that leads out of the source"
        }
      case .folder: folders.append(entry.path)
      case .other: unfit = unfit ?? "'\(entry.path)' is neither file, folder nor link"
      }
    }
    return SourceDigests(
      files: files, folders: folders, mentioned: search.found, unfit: unfit)
  }

  /// Whether a path is not source: the build's own folder, git's, or a `_build` of another build.
  private static func isNoSource(_ path: String) -> Bool {
    path == "_build" || path == git || Staging.isName(path)
  }

  private static func digest(_ path: String, _ size: Int, _ search: inout WordSearch)
    throws(PosixError) -> [UInt8]
  {
    let file = try File.open(path, .read)
    let isSearched = WordSearch.isSearched(path)
    var hash = SHA256()
    search.begin()
    while true {
      // One byte more than the file's size, so that most files are read in two calls, the second of which finds the end.
      let part = try file.read(upTo: min(size + 1, 1 << 20))
      if part.isEmpty { return hash.finish() }
      hash.update(part)
      if isSearched { search.take(part) }
    }
  }

  /// Whether a link leads to a place in the source. If its target does not exist yet, the link's text decides.
  private static func leadsInside(_ path: String, _ target: String, _ source: String) -> Bool {
    if let resolved = try? Files.resolve(source + "/" + path),
      let root = try? Files.resolve(source)
    {
      let inside = CachePath.relative(resolved, to: root)
      let parts = inside.split(separator: "/")
      return !parts.isEmpty && !isNoSource(String(parts[0])) && !parts.contains(".git")
    }
    return CachePath.staysInside(link: path, target: target)
  }

  /// A value that changes with every commit and tag; nil if there is no repository.
  static func gitState(of source: String) -> String? {
    let folder = source + "/" + git
    guard (try? Files.info(folder)) != nil else { return nil }
    // The `.git` of a work tree is a file that names another folder. In this case each build gets a random value.
    guard let entries = try? FileTree.entries(of: folder, skipping: { !isReference($0) }) else {
      return Random.hex(16)
    }
    var hash = SHA256()
    for entry in entries where entry.info.kind == .file {
      hash.update(Array(entry.path.utf8) + [0])
      hash.update((try? SHA256.digest(ofFile: folder + "/" + entry.path)) ?? [])
    }
    return Hex.encode(hash.finish())
  }

  private static func isReference(_ path: String) -> Bool {
    path == "HEAD" || path == "packed-refs" || path == "refs" || path.hasPrefix("refs/")
  }
}
