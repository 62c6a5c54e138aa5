import Events
import HomeLayout
import Posix

/// The user as which everything of an app runs, if root serves the home. No other app, no person and no program of the
/// host has the same.
public struct AppUser: Hashable, Sendable {
  public let id: UInt32
  public let home: Home

  /// The user of an app; it gets one if it has none.
  /// - Returns: nil if this process is not root's. Then everything runs as this process's user.
  public static func of(_ app: String, in home: Home) throws(Cause) -> AppUser? {
    try of(home.app(app).user, home)
  }

  /// The user that an app has; nil if it never had one.
  public static func known(_ app: String, in home: Home) throws(Cause) -> AppUser? {
    Files.exists(home.app(app).user) ? try of(app, in: home) : nil
  }

  /// The user of the home's epmd, which is a program of a slug.
  static func ofPortMapper(in home: Home) throws(Cause) -> AppUser? {
    try of(home.epmdUser, home)
  }

  /// The user of the home's HAProxy.
  public static func ofRouter(in home: Home) throws(Cause) -> AppUser? {
    try of(home.router.user, home)
  }

  /// The user of the program that orders certificates.
  public static func ofAuthorityClient(in home: Home) throws(Cause) -> AppUser? {
    try of(home.router.acmeUser, home)
  }

  private static func of(_ record: String, _ home: Home) throws(Cause) -> AppUser? {
    if !User.isRoot { return nil }
    try home.checkOwner()
    return AppUser(id: try UserNumbers().number(recordedIn: record), home: home)
  }

  /// What a program in a run's folder may do and see.
  func confinement(in folder: RunFolder, tree: String) -> Confinement {
    let files = folder.argumentFiles.filter { Files.exists($0) }
    return confinement(writable: [folder.home, folder.temporary], readable: [tree] + files)
  }

  /// What the home's epmd may do and see.
  func confinement(tree: String) -> Confinement { confinement(writable: [], readable: [tree]) }

  /// What a program with a folder to read and one to write may do and see.
  public func confinement(reading: String, writing: String) -> Confinement {
    confinement(writable: [writing], readable: [reading])
  }

  private func confinement(writable: [String], readable: [String]) -> Confinement {
    guard Confinement.canNarrowView else { return Confinement(user: id) }
    let root = unreachable ?? home.root
    func hidden(_ paths: [String]) -> [String] { paths.filter { $0.hasPrefix(root + "/") } }
    return Confinement(
      user: id,
      view: .init(hidden: root, writable: hidden(writable), readable: hidden(readable)))
  }

  /// The uppermost folder above the home that other users cannot pass.
  private var unreachable: String? {
    Self.folders(above: home.root).first { path in
      guard let info = try? Files.info((try? Files.resolve(path)) ?? path) else { return false }
      return info.mode & 0o001 == 0
    }
  }

  /// Gives files to the app that it alone may read.
  func take(_ files: [String]) throws(PosixError) {
    for file in files where try Files.info(file)?.kind == .file {
      try Files.setMode(file, 0o400)
      try Files.setOwner(file, id)
    }
  }

  /// Lets the app reach these folders of the home, and nothing else in it, if the host has no mount namespaces.
  public func openWay(to paths: [String]) throws(PosixError) {
    if Confinement.canNarrowView { return }
    if let unreachable { throw PosixError("let other users pass", unreachable, .accessDenied) }
    for path in paths {
      for above in Self.folders(above: path) where (above + "/").hasPrefix(home.root + "/") {
        try Files.setMode(above, 0o711)
      }
    }
  }

  /// The folders above a path, the uppermost first, without `/`.
  private static func folders(above path: String) -> [String] {
    let above = Files.parent(of: path)
    return above == "/" || above == "." ? [] : folders(above: above) + [above]
  }
}

extension Home {
  /// Refuses a home of another user, who could change what this process reads there and then does.
  public func checkOwner() throws(Cause) {
    let path = (try? Files.resolve(root)) ?? root
    guard let owner = (try? Files.info(path))??.owner, owner != User.id else { return }
    throw Cause(
      .homeForeign, "the home '\(root)' belongs to another user, the uid \(owner)",
      remedy: "Run the command as that user.")
  }
}

extension RunSpecification {
  /// Makes the two folders that belong to the app. The folder in which they are belongs to root, so that no link can be
  /// put in their place.
  public func makeFolders() throws(PosixError) {
    for path in [folder.home, folder.temporary] {
      try Files.makeFolder(path)
      if let user { try Files.setOwner(path, user.id) }
    }
    try user?.openWay(to: [tree, folder.home])
  }
}
