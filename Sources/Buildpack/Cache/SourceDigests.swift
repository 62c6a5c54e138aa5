import Posix

/// What a source tree holds, by content: no time plays a part in it.
///
/// It is read before anything is restored or fetched, so a `deps` that it has came with the source.
struct SourceDigests: Hashable, Sendable {
  /// By path relative to the source. The digest of a link is that of its target's text; a file's first byte more says
  /// whether it is executable.
  let files: [String: [UInt8]]
  let folders: [String]
  /// Those of the words that occur in a file: where code names a variable, its value may be in what is compiled.
  let mentioned: Set<String>
  /// Why nothing that was compiled can be known to be that of this source; nil where it can.
  let unfit: String?

  /// What stands for the state of the git repository among the words.
  static let git = ".git"

  /// - Parameter words: names of variables whose values change from build to build. `git` is always looked for.
  static func read(_ source: String, lookingFor words: [String]) throws(PosixError)
    -> SourceDigests
  {
    var files: [String: [UInt8]] = [:]
    var folders: [String] = []
    var search = WordSearch(words)
    var unfit: String?
    // No compiler takes a file whose name is no text, and no slug either.
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

  /// Ours, git's, and what mix compiled elsewhere: a build does not use it.
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
      // One byte more than there should be: then most files are read in two calls, the second of which finds the end.
      let part = try file.read(upTo: min(size + 1, 1 << 20))
      if part.isEmpty { return hash.finish() }
      hash.update(part)
      if isSearched { search.take(part) }
    }
  }

  /// A target that is not there yet is judged by its letters.
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

  /// What changes with every commit and tag, as a value to be compared; nil where there is no repository.
  static func gitState(of source: String) -> String? {
    let folder = source + "/" + git
    guard (try? Files.info(folder)) != nil else { return nil }
    // A work tree's `.git` is a file that names a folder elsewhere; then each build is taken to have a state of its own.
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
