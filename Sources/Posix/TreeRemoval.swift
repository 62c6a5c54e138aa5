import CPosix
import Glibc

/// The removal of a tree whose owner may change it meanwhile, such as a folder in which an app has written.
///
/// Each folder is opened by its name in the open folder above it, and no link or mount is followed: nothing outside the
/// tree is removed. A tree may be of any depth: no function calls itself, and few folders are open at once.
struct TreeRemoval {
  private let root: String
  /// The folders from the root down to the one that is being emptied.
  private var way: [Level] = []
  private var failure: PosixError?
  private var failures = 0
  private var changes = 0

  private struct Level {
    /// Its name in the folder above; for the root, its path.
    let name: [UInt8]
    let identity: Files.Inode?
    /// Nil for a folder far above the one that is being emptied.
    var folder: OpenFolder?
    /// The names in it that cannot be removed.
    var kept: Set<[UInt8]> = []
  }

  private static let mostFoldersOpen = 32
  /// The number of names that cannot be removed after which it gives up.
  private static let mostFailures = 100
  /// How often something may change under its hands before it gives up.
  private static let mostChanges = 1000

  /// Removes a file, link or whole tree, also read-only folders and names of any bytes; a missing one is no error. What
  /// cannot be removed stays, and the rest goes.
  /// - Throws: the first failure.
  static func remove(_ path: String) throws(PosixError) {
    var removal = TreeRemoval(root: path)
    try removal.run()
    if let failure = removal.failure { throw failure }
  }

  private init(root: String) { self.root = root }

  private mutating func run() throws(PosixError) {
    try take(Array(root.utf8))
    while let folder = way.last?.folder {
      let name: [UInt8]?
      do throws(PosixError) { name = try folder.next() } catch {
        // A folder that another process has removed meanwhile has no names.
        if error.errno != .noSuchFile { try keep([], error.errno) }
        name = nil
      }
      if let name {
        if way.last?.kept.contains(name) == false { try take(name) }
      } else {
        try leave()
      }
    }
  }

  private var current: Int32 { way.last?.folder?.descriptor ?? AT_FDCWD }

  /// Removes the file or link of this name from the current folder; a folder becomes the current one.
  private mutating func take(_ name: [UInt8]) throws(PosixError) {
    while true {
      if unlinkat(current, Files.cString(name), 0) == 0 { return }
      let reason = Errno.current
      if reason == .noSuchFile || way.isEmpty && reason == .notADirectory { return }
      if let folder = enter(name) { return push(name, folder) }
      let obstacle = Errno.current
      if obstacle == .noSuchFile { return }
      let isNoFolder = [.notADirectory, .tooManySymbolicLinks].contains(obstacle)
      guard isNoFolder, reason == .isFolder else {
        return try keep(name, isNoFolder ? reason : obstacle)
      }
      // Something else has taken the folder's place.
      try noteChange()
    }
  }

  /// Opens a folder below the current one, and gives this process the right to change it.
  /// - Returns: nil, and sets errno, if it cannot be opened or is none.
  private func enter(_ name: [UInt8]) -> OpenFolder? {
    let name = Files.cString(name)
    func open() -> OpenFolder? {
      // A mount above the root may be followed: its path comes from this program.
      OpenFolder(
        owning: way.isEmpty
          ? cposix_open_in(current, name, O_RDONLY | O_DIRECTORY, 0) : cposix_enter(current, name),
        name: root)
    }
    var folder = open()
    if folder == nil, Errno.current == .accessDenied,
      fchmodat(current, name, 0o700, AT_SYMLINK_NOFOLLOW) == 0
    {
      folder = open()
    }
    var info = stat()
    if let folder, fstat(folder.descriptor, &info) == 0, info.st_mode & 0o700 != 0o700 {
      fchmod(folder.descriptor, 0o700)
    }
    return folder
  }

  private mutating func push(_ name: [UInt8], _ folder: OpenFolder) {
    way.append(
      Level(name: name, identity: Files.Inode(folder.descriptor, nil), folder: folder))
    let far = way.count - Self.mostFoldersOpen - 1
    if far >= 0 { way[far].folder = nil }
  }

  /// Removes the current folder, which is empty, and makes the one above it the current one.
  private mutating func leave() throws(PosixError) {
    let left = way.removeLast()
    if let above = way.last, above.folder == nil, !reopen(above, from: left) {
      // The folder was moved. Its new place may be anywhere, so the tree is walked from the root again.
      try noteChange()
      way = []
      return try take(Array(root.utf8))
    }
    if !left.kept.isEmpty {
      if !way.isEmpty { way[way.count - 1].kept.insert(left.name) }
      return
    }
    if unlinkat(current, Files.cString(left.name), AT_REMOVEDIR) == 0 { return }
    switch Errno.current {
    case .noSuchFile: return
    case .notEmpty, .exists, .notADirectory:
      try noteChange()
      try take(left.name)
    case let reason: try keep(left.name, reason)
    }
  }

  /// - Returns: whether `above` is still the folder above `left`.
  private mutating func reopen(_ above: Level, from left: Level) -> Bool {
    guard let place = left.folder?.descriptor,
      let folder = OpenFolder(
        owning: cposix_open_in(place, "..", O_RDONLY | O_DIRECTORY, 0), name: root),
      let identity = Files.Inode(folder.descriptor, nil), identity == above.identity
    else { return false }
    way[way.count - 1].folder = folder
    return true
  }

  private mutating func noteChange() throws(PosixError) {
    changes += 1
    if changes > Self.mostChanges { throw PosixError("remove", root, .notEmpty) }
  }

  private mutating func keep(_ name: [UInt8], _ reason: Errno) throws(PosixError) {
    failures += 1
    let error = failure ?? PosixError("remove", place(of: name), reason)
    failure = error
    if !way.isEmpty { way[way.count - 1].kept.insert(name) }
    if failures == Self.mostFailures { throw error }
  }

  /// The path of a name in the current folder. Of a long path the middle is left out.
  private func place(of name: [UInt8]) -> String {
    if way.isEmpty { return root }
    let between = way.dropFirst().map(\.name)
    let shown = between.count > 16 ? between.prefix(8) + [[46, 46, 46]] : between[...]
    return ([root] + (shown + [name]).map { String(decoding: $0, as: UTF8.self) })
      .joined(separator: "/")
  }
}
