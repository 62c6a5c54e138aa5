import Posix

/// The path under which the tools of a build see its folder.
///
/// Macros of Phoenix, Ecto and others compile the path of the source into modules, whatever the compiler's options are. All
/// builds happen under one path, so that two builds of one source give the same bytes and compiled code can be used again:
/// docs/decisions/0021.
struct BuildPlace {
  /// The path is the same on each host and for each user: any user can make it, or mount the folder there.
  static let usual = "/var/tmp/reltui-build"

  enum Kind: Hashable {
    /// A mount shows the folder under the usual path, and only to the tools.
    case shown
    /// The folder is at the usual path.
    case made
    /// The usual path cannot be used for this reason, so the tools see the folder's own path.
    case own(String)
  }

  let kind: Kind
  /// With the paths that this process sees.
  let real: WorkFolder
  /// With the paths that the tools see.
  let seen: WorkFolder
  private let claim: PlaceClaim?
  private let enclosure: Enclosure?

  /// Prepares the place. Waits while another build uses the usual path.
  init(_ build: Build, hidden: String) throws(BuildFailure) {
    let own = WorkFolder(root: hidden + "/work")
    try BuildFailure.writing(Files.makeFolder(own.root))
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

  /// Why the build may not use the usual path; nil if it may.
  private static func obstacle(_ request: BuildRequest) -> String? {
    let parent = Files.parent(of: usual)
    if let real = try? Files.resolve(parent), real != parent { return "'\(parent)' is a link" }
    let given = [request.source, request.cache, request.variables].compactMap { $0 }
    let isBelow = given.contains { (((try? Files.resolve($0)) ?? $0) + "/").hasPrefix(usual + "/") }
    return isBelow ? "a folder of this build lies in '\(usual)'" : nil
  }

  /// Whether code that is compiled here holds only the usual path.
  var isUsual: Bool { if case .own = kind { false } else { true } }

  /// A command for a tool. Its folder and environment have the paths that the tools see.
  func command(_ words: [String], in folder: String, environment: [String: String]) -> Invocation {
    enclosure?.command(words, in: folder, environment: environment)
      ?? Invocation(words, in: folder, environment: environment)
  }

  /// Copies the source into the place. Links are copied as links; pipes and files whose names are not UTF-8 are left out.
  func unpack(_ source: String) throws(PosixError) {
    try FileTree.copy(source, to: real.source, skippingOthers: true) { path in
      path == "_build" || Staging.isName(path)
    }
    for folder in [real.releases, real.temporary, real.home] { try Files.makeFolder(folder) }
  }

  /// Removes the place's files. The next build removes what a killed build leaves.
  func clear() {
    if let claim { claim.release() } else { try? Files.remove(real.root) }
  }
}
