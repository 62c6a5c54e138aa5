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
  private let program: String?

  /// Prepares a place; where another build is in the way, waits for its end.
  /// - Parameter hidden: the build's own folder.
  init(_ build: Build, hidden: String) throws(BuildFailure) {
    let own = WorkFolder(root: hidden + "/work")
    do throws(PosixError) {
      try Files.makeFolder(own.root)
      if let program = Self.enclosing(own) {
        (kind, real, seen) = (.shown, own, WorkFolder(root: Self.usual))
        (claim, self.program) = (nil, program)
        return
      }
    } catch { throw .unwritable(error) }
    program = nil
    switch try PlaceClaim.take(Self.usual, build) {
    case .taken(let claim):
      (kind, real, seen) = (.made, WorkFolder(root: Self.usual), WorkFolder(root: Self.usual))
      self.claim = claim
    case .refused(let reason): (kind, real, seen, claim) = (.own(reason), own, own, nil)
    }
  }

  /// The path of this program, where it can show a folder to the tools under the usual path: it is tried once.
  private static func enclosing(_ folder: WorkFolder) -> String? {
    guard let program = try? Files.target(ofLink: "/proc/self/exe") else { return nil }
    let trial = Enclosure(program: program, folder: folder.root)
      .command(["true"], in: usual, environment: ["PATH": Invocation.standardPath])
    let result = try? trial.run(errors: .null, limit: 10_000)
    return result?.isSuccess == true ? program : nil
  }

  /// Whether what is compiled here holds the usual path and no other.
  var isUsual: Bool { if case .own = kind { false } else { true } }

  /// A command of a tool, whose folder and environment are as the tools see them.
  func command(_ words: [String], in folder: String, environment: [String: String]) -> Invocation {
    guard kind == .shown, let program else {
      return Invocation(words, in: folder, environment: environment)
    }
    return Enclosure(program: program, folder: real.root)
      .command(words, in: folder, environment: environment)
  }

  /// Puts a copy of the source there. Links stay as they are; pipes and names that are no text are none of a project's.
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
