import Posix

/// Where the tools of a build see its folder.
///
/// Macros of Phoenix, Ecto and others put the path of the source into what is compiled, whatever a compiler is told. So
/// that two builds of one source give the same bytes, and that compiled code can be used again, all builds happen under
/// one path: see docs/decisions/0021.
struct BuildPlace {
  /// The same on each host, and for each user: it can be made by any user, or be shown by a mount.
  static let usual = "/var/tmp/reltui-build"

  enum Kind: Hashable {
    /// Our folder is shown under the usual path to the tools alone.
    case shown
    /// The folder lies under the usual path.
    case made
    /// The usual path cannot be had, for this reason: the tools see the folder where it lies.
    case own(String)
  }

  let kind: Kind
  /// As we see it.
  let real: WorkFolder
  /// As the tools see it.
  let seen: WorkFolder
  private let claim: PlaceClaim?
  private let enclosure: Enclosure?

  /// Prepares a place; where another build is in the way, waits for its end.
  /// - Parameter hidden: the build's own folder.
  init(_ build: Build, hidden: String) throws(BuildFailure) {
    let own = WorkFolder(root: hidden + "/work")
    do throws(PosixError) { try Files.makeFolder(own.root) } catch { throw .unwritable(error) }
    if let reason = Self.obstacle(build.request) {
      (kind, real, seen, claim, enclosure) = (.own(reason), own, own, nil, nil)
      return
    }
    if let enclosure = Enclosure.tried(on: own) {
      (kind, real, seen) = (.shown, own, WorkFolder(root: Self.usual))
      (claim, self.enclosure) = (nil, enclosure)
      return
    }
    enclosure = nil
    switch try PlaceClaim.take(Self.usual, build) {
    case .taken(let claim):
      (kind, real, seen) = (.made, WorkFolder(root: Self.usual), WorkFolder(root: Self.usual))
      self.claim = claim
    case .refused(let reason): (kind, real, seen, claim) = (.own(reason), own, own, nil)
    }
  }

  /// Why nothing may be built under the usual path; nil where it may.
  private static func obstacle(_ request: BuildRequest) -> String? {
    let parent = Files.parent(of: usual)
    if let real = try? Files.resolve(parent), real != parent { return "'\(parent)' is a link" }
    let given = [request.source, request.cache, request.variables].compactMap { $0 }
    let isBelow = given.contains { (((try? Files.resolve($0)) ?? $0) + "/").hasPrefix(usual + "/") }
    return isBelow ? "a folder of this build lies in '\(usual)'" : nil
  }

  /// Whether what is compiled here holds the usual path and no other.
  var isUsual: Bool { if case .own = kind { false } else { true } }

  /// A command of a tool, whose folder and environment are as the tools see them.
  func command(_ words: [String], in folder: String, environment: [String: String]) -> Invocation {
    enclosure?.command(words, in: folder, environment: environment)
      ?? Invocation(words, in: folder, environment: environment)
  }

  /// Puts a copy of the source there. Links stay as they are; pipes, and names that are no text, are left out.
  func unpack(_ source: String) throws(PosixError) {
    try FileTree.copy(source, to: real.source, skippingOthers: true) { path in
      path == "_build" || Staging.isName(path)
    }
    for folder in [real.releases, real.temporary, real.home] { try Files.makeFolder(folder) }
  }

  /// Removes all that it holds. What a killed build leaves the next one removes.
  func clear() {
    if let claim { claim.release() } else { try? Files.remove(real.root) }
  }
}
