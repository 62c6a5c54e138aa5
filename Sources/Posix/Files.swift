import CPosix
import Glibc

/// Operations on files by their path.
public enum Files {
  public struct Info: Hashable, Sendable {
    public enum Kind: Sendable { case file, folder, link, other }
    public var kind: Kind
    /// The permission bits, setuid, setgid and sticky included.
    public var mode: mode_t
    public var size: Int
    public var owner: uid_t
    /// When its content last changed, in milliseconds since 1970.
    public var changed: Int64
    /// How many names (hard links) it has.
    public var names: Int

    public var isExecutable: Bool { mode & 0o111 != 0 }

    init(_ info: stat) {
      kind =
        switch info.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFLNK: .link
        default: .other
        }
      (mode, size) = (info.st_mode & 0o7777, Int(info.st_size))
      (owner, names) = (info.st_uid, Int(info.st_nlink))
      // A file can have any time.
      let seconds = min(max(Int64(info.st_mtim.tv_sec), -1 << 40), 1 << 40)
      changed = seconds * 1000 + Int64(info.st_mtim.tv_nsec) / 1_000_000
    }
  }

  /// The file, folder or link at `path`, links not followed; nil if there is none. lstat(2)
  public static func info(_ path: String) throws(PosixError) -> Info? {
    var info = stat()
    do throws(PosixError) {
      try check("read", path) { lstat(path, &info) }
    } catch {
      if error.errno == .noSuchFile || error.errno == .notADirectory { return nil }
      throw error
    }
    return Info(info)
  }

  /// The identity of a file: its device and inode. While the file is open, no other file has the same.
  public struct Inode: Hashable, Sendable {
    var device: UInt64
    var number: UInt64

    /// - Parameter path: nil for the open file of the descriptor. statx(2)
    init?(_ descriptor: Int32, _ path: String?) {
      var identity: [UInt64] = [0, 0]
      guard cposix_identity(descriptor, path, &identity) == 0 else { return nil }
      (device, number) = (identity[0], identity[1])
    }
  }

  /// The identity of the file at a path, links not followed; nil if there is none.
  public static func inode(_ path: String) -> Inode? { Inode(-1, path) }

  public static func inode(of file: File) -> Inode? { Inode(file.descriptor, nil) }

  /// The time of the last change of a file, or of the names in a folder, in nanoseconds since 1970; nil if it cannot be
  /// read. A file system's clock ticks in milliseconds, so two changes may have the same time.
  public static func modified(_ path: String) -> Int64? { status(path)?.st_mtim.nanoseconds }

  /// Sets the time of the last change of a file or folder to now. utimensat(2)
  public static func touch(_ path: String) throws(PosixError) {
    try check("change", path) { utimensat(AT_FDCWD, path, nil, 0) }
  }

  /// The time of the last change of a file, folder or link or of its mode, times or links, in nanoseconds since 1970;
  /// nil if it cannot be read. No program can set it.
  public static func statusChanged(_ path: String) -> Int64? {
    status(path, followingLinks: false)?.st_ctim.nanoseconds
  }

  /// A text that changes when a file grows or is replaced, or when names are added to a folder or removed from it; nil
  /// if it cannot be read. stat(2)
  public static func trace(_ path: String) -> String? {
    status(path).map { "\($0.st_ino):\($0.st_size):\($0.st_nlink):\($0.st_ctim.nanoseconds)" }
  }

  static func status(_ path: String, followingLinks: Bool = true) -> stat? {
    var info = stat()
    return (followingLinks ? stat(path, &info) : lstat(path, &info)) == 0 ? info : nil
  }

  /// Sets the times of the last change and the last read of a file, folder or link, in seconds since 1970. utimensat(2)
  public static func setModified(_ path: String, _ seconds: Int) throws(PosixError) {
    try check("change", path) {
      utimensat(AT_FDCWD, path, times(seconds), AT_SYMLINK_NOFOLLOW)
    }
  }

  static func times(_ seconds: Int) -> [timespec] {
    [timespec](repeating: timespec(tv_sec: seconds, tv_nsec: 0), count: 2)
  }

  /// Whether something is at `path`, links followed; false if that cannot be read.
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  public static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

  public static func isFolder(_ path: String) -> Bool {
    status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
  }

  /// Whether a regular file is at `path`, links followed.
  public static func isFile(_ path: String) -> Bool {
    status(path).map { $0.st_mode & S_IFMT == S_IFREG } ?? false
  }

  public static func isExecutableFile(_ path: String) -> Bool {
    !isFolder(path) && access(path, X_OK) == 0
  }

  /// Reads a whole file; more than `limit` bytes are refused (EFBIG).
  public static func read(_ path: String, limit: Int = 1 << 30) throws(PosixError) -> [UInt8] {
    try File.open(path, .read).readToEnd(limit: limit)
  }

  /// Reads a whole file; nil if there is none.
  public static func readIfThere(_ path: String, limit: Int = 1 << 30) throws(PosixError)
    -> [UInt8]?
  {
    do throws(PosixError) { return try read(path, limit: limit) } catch {
      if error.errno == .noSuchFile || error.errno == .notADirectory { return nil }
      throw error
    }
  }

  /// Puts a file in place in one step: a reader sees the whole old file or the whole new one, also after a power cut.
  /// - Parameter isDurable: whether file and folder are synced before this returns. Without it a power cut may leave the
  ///   old file, or an empty one.
  public static func replace(
    _ path: String, with bytes: [UInt8], mode: mode_t = 0o600, isDurable: Bool = true
  ) throws(PosixError) {
    let new = path + ".new-" + Random.hex(4)
    do throws(PosixError) {
      let file = try File.open(new, .create, mode: mode)
      try file.giveToOwner(of: parent(of: path))
      try file.write(bytes)
      if isDurable { try file.sync() }
      try rename(new, to: path)
    } catch {
      unlink(new)
      throw PosixError("write", path, error.errno)
    }
    if isDurable { try syncFolder(parent(of: path)) }
  }

  /// Makes a new file, whole and durable; false if there is one already.
  public static func createIfMissing(_ path: String, with bytes: [UInt8], mode: mode_t = 0o600)
    throws(PosixError) -> Bool
  {
    // This check comes first because on a full disk the new file, which is not needed, could not be written.
    if try info(path) != nil { return false }
    let new = path + ".new-" + Random.hex(4)
    defer { unlink(new) }
    do throws(PosixError) {
      let file = try File.open(new, .create, mode: mode)
      try file.write(bytes)
      try file.sync()
      try check("create", path) { Glibc.link(new, path) }
    } catch {
      if error.errno == .exists { return false }
      throw PosixError("create", path, error.errno)
    }
    try syncFolder(parent(of: path))
    return true
  }

  public static func rename(_ old: String, to new: String) throws(PosixError) {
    try check("rename", old) { Glibc.rename(old, new) }
  }

  /// Renames within an open folder. renameat(2)
  public static func rename(_ old: String, to new: String, in folder: File) throws(PosixError) {
    try check("rename", folder.name + "/" + old) {
      renameat(folder.descriptor, old, folder.descriptor, new)
    }
  }

  /// Removes a file or link from an open folder; a missing one is no error. unlinkat(2)
  public static func remove(_ name: String, in folder: File) throws(PosixError) {
    if unlinkat(folder.descriptor, name, 0) == 0 || Errno.current == .noSuchFile { return }
    throw PosixError("remove", folder.name + "/" + name, .current)
  }

  public static func hardLink(_ old: String, at new: String) throws(PosixError) {
    try check("link", new) { Glibc.link(old, new) }
  }

  public static func symbolicLink(to target: String, at path: String) throws(PosixError) {
    try check("link", path) { symlink(target, path) }
  }

  public static func target(ofLink path: String) throws(PosixError) -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = try check("read", path) {
      buffer.withUnsafeMutableBytes { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          $0.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
      }
    }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  /// Gives a file to a user and the group of the same number; only root may do this. chown(2)
  public static func setOwner(_ path: String, _ user: uid_t) throws(PosixError) {
    try check("change", path) { chown(path, user, user) }
  }

  public static func setMode(_ path: String, _ mode: mode_t) throws(PosixError) {
    try check("change", path) { chmod(path, mode) }
  }

  /// Makes a folder and those above it; folders that exist keep their mode.
  public static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(PosixError) {
    if mkdir(path, mode) == 0 { return }
    let reason = Errno.current
    if reason == .exists, isFolder(path) { return }
    let above = parent(of: path)
    guard reason == .noSuchFile, above != path else {
      throw PosixError("make folder", path, reason == .exists ? .notADirectory : reason)
    }
    try makeFolder(above, mode: mode)
    if mkdir(path, mode) != 0, Errno.current != .exists {
      throw PosixError("make folder", path, .current)
    }
  }

  /// Makes a folder and those above it, and returns when their names are on the disk.
  public static func makeDurableFolder(_ path: String, mode: mode_t = 0o700) throws(PosixError) {
    if isFolder(path) { return }
    let above = parent(of: path)
    if above != path { try makeDurableFolder(above, mode: mode) }
    try makeFolder(path, mode: mode)
    try syncFolder(above)
  }

  /// Names in a folder, sorted by their bytes; a name that is not UTF-8 is an error (EINVAL).
  /// - Parameter skippingOthers: whether such a name is left out instead.
  public static func list(_ folder: String, skippingOthers: Bool = false) throws(PosixError)
    -> [String]
  {
    guard let stream = OpenFolder(folder) else { throw PosixError("list", folder, .current) }
    var names: [String] = []
    while let bytes = try stream.next() {
      guard let name = String(validating: bytes, as: UTF8.self) else {
        if skippingOthers { continue }
        throw PosixError("read a name in", folder, .invalid)
      }
      names.append(name)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  static func cString(_ path: [UInt8]) -> [CChar] { path.map(CChar.init(bitPattern:)) + [0] }

  /// Removes a file, link or whole tree, also read-only folders and names of any bytes; a missing one is no error. Nothing
  /// outside the tree is removed, even if another user changes the tree meanwhile: no link or mount in it is followed.
  /// What cannot be removed stays, and the rest goes; the error is the first one.
  public static func remove(_ path: String) throws(PosixError) { try TreeRemoval.remove(path) }

  /// Whether a file system is mounted so that no program can be run from it, or no file can be written. statvfs(3)
  public static func isRestricted(_ path: String) -> Bool { cposix_is_restricted(path) == 1 }

  /// Device and inode of a file or folder, which stay the same when it is renamed. lstat(2)
  public static func identity(_ path: String) throws(PosixError) -> String {
    var info = stat()
    try check("read", path) { lstat(path, &info) }
    return "\(info.st_dev):\(info.st_ino)"
  }

  /// Removes an empty folder. rmdir(2)
  public static func removeFolder(_ path: String) throws(PosixError) {
    try check("remove", path) { rmdir(path) }
  }

  /// Returns when the names in a folder are on the disk.
  public static func syncFolder(_ path: String) throws(PosixError) {
    try File.open(path, .read).sync()
  }

  /// Returns when the name of a file, and those of the folders above it, are on the disk. Folders that this process may
  /// not read or write are left out, since it has made nothing there; so are those that cannot be synced (EINVAL).
  public static func syncPath(_ path: String) throws(PosixError) {
    var folder = path
    repeat {
      folder = parent(of: folder)
      do throws(PosixError) { try syncFolder(folder) } catch {
        if ![.accessDenied, .readOnly, .invalid].contains(error.errno) { throw error }
      }
    } while folder != "/" && folder != "."
  }

  /// Returns when everything written to the file system of `path` is on the disk. syncfs(2)
  public static func syncFileSystem(of path: String) throws(PosixError) {
    let file = try File.open(path, .read)
    try check("sync", path) { cposix_sync_file_system(file.descriptor) }
  }

  /// The path of the folder that holds `path`.
  public static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last part of a path.
  public static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// The absolute path, links resolved. realpath(3)
  public static func resolve(_ path: String) throws(PosixError) -> String {
    guard let resolved = realpath(path, nil) else { throw PosixError("find", path, .current) }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}

extension timespec {
  /// Nanoseconds since 1970, for the time of a file.
  fileprivate var nanoseconds: Int64 { Int64(tv_sec) &* 1_000_000_000 &+ Int64(tv_nsec) }
}
