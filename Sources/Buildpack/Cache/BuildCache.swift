import Posix

/// What a build leaves for the next one: fetched dependencies, compiled code, the slug.
///
/// It is one file, `build.cache`, in a folder that anybody may have filled. It is written aside and renamed, so it is an
/// old one, a new one or none; who reads it keeps what he has opened; no lock is needed. All in it is held against
/// digests before any of it is used. Whatever is wrong with it costs time, never a build.
struct BuildCache: Sendable {
  /// Nil where there is none.
  let folder: String?
  /// Whether it was asked for no cache.
  let isOff: Bool

  static let file = "build.cache"

  /// - Parameter folder: ours below CACHE_DIR; made where it is missing.
  init(folder: String?, isOff: Bool = false) {
    self.folder = folder
    self.isOff = isOff
  }

  /// A build that is about to be made. All paths are absolute.
  struct Wanted: Sendable {
    var key: CacheKey
    var digests: SourceDigests
    /// The source as it came.
    var origin: String
    /// The folder in which source, dependencies and compiled code lie: links may lead from each to each.
    var root: String
    /// The source that is built.
    var source: String
    /// Where mix or rebar3 would fetch dependencies to. What is there came with the source and stays.
    var dependencies: String
    /// The folder that is compiled into. It must not be there, or be empty; so must the slug's.
    var build: String
    var slug: String
  }

  /// What is in place now, and why not more.
  enum Reuse: Hashable, Sendable {
    case nothing(String)
    /// The sources of fetched dependencies.
    case dependencies(String)
    /// Fetched dependencies, compiled. The applications of the source are compiled anew.
    case compiledDependencies(String)
    /// All compiled code; mix compiles what has changed, and what depends on it.
    case compiled(String)
    /// The slug itself: nothing is to be done.
    case slug

    /// One line for people.
    var line: String {
      switch self {
      case .nothing(let why): "Nothing is used again: \(why)"
      case .dependencies(let why): "Fetched dependencies are used again, no compiled code: \(why)"
      case .compiledDependencies(let why):
        "Compiled dependencies are used again, the application is compiled anew: \(why)"
      case .compiled(let why): "Compiled code is used again: \(why)"
      case .slug: "The last build's slug is used again: nothing has changed"
      }
    }
  }

  /// Puts in place what can be used again, and gives every file of the source a time by its content.
  /// - Parameter unpack: puts the source in place; not called where the slug is used again.
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
      // Where no times can be set, mix could not tell what has changed since.
      try CacheFault.of { () throws(PosixError) in
        try SourceTimes.set(
          wanted.digests, in: wanted.source, changed: found.decision.changed)
      }
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

    /// - Returns: why it could not be put in place.
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

/// The times that make mix and rebar3 see by content what has changed: they take a source for changed that is younger
/// than what was made of it. Sources come with any time, often all with the same one.
enum SourceTimes {
  /// Unchanged sources, 2000-01-01.
  static let source = 946_684_800
  /// What is restored, a day later.
  static let restored = source + 86_400

  /// - Parameter changed: paths that are younger than what was restored, as are the folders they are in.
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
