import Posix

/// The cache that a build leaves for the next one: fetched dependencies, compiled code, the slug.
///
/// It is one file, `build.cache`, in a folder that is not trusted. A new file is written under another name and renamed,
/// so a reader has the old file or the new one, and no lock is needed. Everything in it is checked against digests before
/// it is used. A wrong or damaged cache costs time and never fails a build.
struct BuildCache: Sendable {
  /// The buildpack's folder in CACHE_DIR, which is made if it is missing; nil if there is no cache.
  let folder: String?
  var isOff = false

  static let file = "build.cache"

  /// A build that is about to begin. All paths are absolute.
  struct Wanted: Sendable {
    var key: CacheKey
    var digests: SourceDigests
    var origin: String
    /// The folder that holds source, dependencies and compiled code. Links may lead from each of them to the others.
    var root: String
    var source: String
    /// The folder into which mix or rebar3 fetches dependencies. Files already in it came with the source and stay.
    var dependencies: String
    /// The folder for compiled code. This folder and the slug's folder must be missing or empty.
    var build: String
    var slug: String
  }

  enum Reuse: Hashable, Sendable {
    case nothing(String)
    /// The sources of fetched dependencies.
    case dependencies(String)
    /// Fetched dependencies and their compiled code. The applications of the source are compiled again.
    case compiledDependencies(String)
    /// All compiled code. mix compiles changed files, and files that depend on them.
    case compiled(String)
    case slug

    var line: String {
      switch self {
      case .nothing(let why): "Nothing is used again: \(why)"
      case .dependencies(let why): "Fetched dependencies are used again, no compiled code: \(why)"
      case .compiledDependencies(let why):
        "Compiled dependencies are used again, the application is compiled again: \(why)"
      case .compiled(let why): "Compiled code is used again: \(why)"
      case .slug: "The last build's slug is used again: nothing has changed"
      }
    }
  }

  /// Restores the parts of the cache that fit, and sets times that show which source files have changed.
  /// - Parameter unpack: copies the source. It is not called if the slug is used again.
  func restore<Failure>(_ wanted: Wanted, unpack: () throws(Failure) -> Void) throws(Failure)
    -> Reuse
  {
    let found = Result { () throws(CacheFault) in try find(wanted) }
    if case .success(let found) = found, found.decision.reuse == .slug, found.put(wanted) == nil {
      return .slug
    }
    try unpack()
    do throws(CacheFault) {
      let found = try found.get()
      // If the times cannot be set, mix cannot tell which files have changed.
      try CacheFault.of(
        SourceTimes.set(wanted.digests, in: wanted.source, changed: found.decision.changed))
      if let fault = found.put(wanted) { throw fault }
      return found.decision.reuse
    } catch {
      try? SourceTimes.set(wanted.digests, in: wanted.source, changed: nil)
      return .nothing(error.reason)
    }
  }

  private struct Found {
    var kept: CacheFile
    var decision: CacheDecision

    /// - Returns: why it could not be restored; nil on success.
    func put(_ wanted: Wanted) -> CacheFault? {
      do throws(CacheFault) {
        try kept.restore(decision, to: wanted)
        return nil
      } catch { return error }
    }
  }

  private func find(_ wanted: Wanted) throws(CacheFault) -> Found {
    if isOff { throw CacheFault(reason: "the cache is off") }
    let kept = try CacheFile.open(folder)
    return Found(kept: kept, decision: CacheDecision(of: kept.index, for: wanted))
  }
}

/// File times that tell mix and rebar3 which source files have changed in content. These tools treat a source file as
/// changed if it is newer than its result, but platforms give source files arbitrary times.
enum SourceTimes {
  /// For unchanged sources: 2000-01-01.
  static let source = 946_684_800
  /// For restored files: a day later.
  static let restored = source + 86_400

  /// - Parameter changed: paths that get the current time, with their folders.
  static func set(_ digests: SourceDigests, in source: String, changed: Set<String>?)
    throws(PosixError)
  {
    let now = Int(Clock.now() / 1000)
    let changed = changed ?? []
    for path in digests.files.keys {
      try Files.setModified(source + "/" + path, changed.contains(path) ? now : Self.source)
    }
    let folders = Set(changed.map { Files.parent(of: $0) })
    for path in digests.folders {
      try Files.setModified(source + "/" + path, folders.contains(path) ? now : Self.source)
    }
  }
}
