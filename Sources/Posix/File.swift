import CPosix
import Glibc

/// An open file, pipe or socket. It is closed when its last owner releases it.
public final class File: Sendable {
  public let descriptor: Int32
  /// Its name in errors.
  public let name: String

  /// Takes over a descriptor and closes it at the end.
  public init(owning descriptor: Int32, name: String) {
    (self.descriptor, self.name) = (descriptor, name)
  }

  deinit { close(descriptor) }

  public enum Access: Sendable {
    case read
    /// A folder itself; a link to one is refused (ENOTDIR).
    case folder
    /// Writing, from the start; the file is emptied.
    case replace
    /// Writing, always to the end.
    case append
    /// Writing, always to the end of a file that must exist and not be a link.
    case extend
    /// Reading and writing in place; a missing file is made.
    case update
    /// Reading and writing in place a file that must exist. A link is refused: in another user's folder it could lead
    /// anywhere.
    case change
    /// Reading and writing a file that must not exist yet.
    case create

    /// The verb for an error, and the flags of open(2).
    fileprivate var call: (String, Int32) {
      switch self {
      // A pipe in the place of a file would make open(2) wait.
      case .read: ("read", O_RDONLY | O_NONBLOCK)
      case .folder: ("read", O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      case .replace: ("write", O_WRONLY | O_CREAT | O_TRUNC)
      case .append: ("write", O_WRONLY | O_CREAT | O_APPEND)
      case .extend: ("write", O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
      case .update: ("write", O_RDWR | O_CREAT)
      case .change: ("write", O_RDWR | O_NOFOLLOW)
      case .create: ("create", O_RDWR | O_CREAT | O_EXCL)
      }
    }
  }

  /// Opens a file for this process alone: it is closed in the programs that this process starts. open(2)
  public static func open(_ path: String, _ access: Access, mode: mode_t = 0o600)
    throws(PosixError) -> File
  {
    let (verb, flags) = access.call
    let descriptor = try check(verb, path) { cposix_open(path, flags, mode) }
    return File(owning: descriptor, name: path)
  }

  /// Opens the file of this name in an open folder, even if the folder was moved; a link is refused (ELOOP). openat(2)
  public static func open(
    _ name: String, _ access: Access, in folder: File, mode: mode_t = 0o600
  ) throws(PosixError) -> File {
    let (verb, flags) = access.call
    let path = folder.name + "/" + name
    let descriptor = try check(verb, path) {
      cposix_open_in(folder.descriptor, name, flags, mode)
    }
    return File(owning: descriptor, name: path)
  }

  /// Opens for reading the file that another process sees under a path. openat2(2)
  ///
  /// That process may have another root, and it may be hostile: no link leads out of its root, and a path that is a
  /// link itself is refused (ELOOP).
  public static func open(_ path: String, inRootOf process: pid_t, isFolder: Bool = false)
    throws(PosixError) -> File
  {
    let root = try File.open("/proc/\(process)/root/.", .folder)
    let descriptor = try check("read", path) {
      cposix_open_below(root.descriptor, path, isFolder ? 1 : 0)
    }
    return File(owning: descriptor, name: path)
  }

  /// Opens for reading a file below a folder, as if the folder were `/`: no link leads out of it, and a path that is a
  /// link itself is refused (ELOOP). openat2(2)
  public static func open(_ path: String, below folder: File) throws(PosixError) -> File {
    let descriptor = try check("read", folder.name + "/" + path) {
      cposix_open_below(folder.descriptor, path, 0)
    }
    return File(owning: descriptor, name: folder.name + "/" + path)
  }

  /// The two ends of a pipe. pipe2(2)
  public static func pipe() throws(PosixError) -> (reading: File, writing: File) {
    var ends: (Int32, Int32) = (-1, -1)
    try check("open", "pipe") {
      withUnsafeMutablePointer(to: &ends) {
        $0.withMemoryRebound(to: Int32.self, capacity: 2) { cposix_pipe($0) }
      }
    }
    return (File(owning: ends.0, name: "pipe"), File(owning: ends.1, name: "pipe"))
  }

  /// A file without a name that holds these bytes; reading begins at the first one. memfd_create(2)
  public static func holding(_ bytes: [UInt8]) throws(PosixError) -> File {
    let file = File(
      owning: try check("make", "memory file") { cposix_memory_file() }, name: "memory")
    try file.write(bytes)
    try check("read", "memory file") { lseek(file.descriptor, 0, SEEK_SET) }
    return file
  }

  /// Reads at most `count` bytes at the file's position; empty at its end. read(2)
  public func read(upTo count: Int) throws(PosixError) -> [UInt8] {
    try filled(count) { Glibc.read(descriptor, $0, count) }
  }

  /// Reads at most `count` bytes at `offset`; empty beyond the end. pread(2)
  public func read(upTo count: Int, at offset: Int) throws(PosixError) -> [UInt8] {
    try filled(count) { pread(descriptor, $0, count, offset) }
  }

  private func filled(_ count: Int, _ call: (UnsafeMutableRawPointer?) -> Int)
    throws(PosixError) -> [UInt8]
  {
    var failure: PosixError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(PosixError) {
        filled = try check("read", name) { call(buffer.baseAddress) }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Reads the whole file; more than `limit` bytes are refused (EFBIG).
  public func readWhole(limit: Int = 1 << 30) throws(PosixError) -> [UInt8] {
    var bytes: [UInt8] = []
    var expected = try size()
    while true {
      if max(expected, bytes.count) > limit { throw PosixError("read", name, .fileTooLarge) }
      let part = try read(upTo: max(65_536, expected - bytes.count), at: bytes.count)
      if part.isEmpty { return bytes }
      bytes = bytes.isEmpty ? part : bytes + part
      expected = bytes.count
    }
  }

  /// Reads from the file's position to its end; more than `limit` bytes are refused (EFBIG).
  public func readToEnd(limit: Int = 1 << 30) throws(PosixError) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let part = try read(upTo: 65_536)
      if part.isEmpty { return bytes }
      bytes += part
      if bytes.count > limit { throw PosixError("read", name, .fileTooLarge) }
    }
  }

  /// Writes all bytes at the file's position. write(2)
  public func write(_ bytes: some Collection<UInt8>) throws(PosixError) {
    let bytes = Array(bytes)
    var written = 0
    while written < bytes.count {
      written += try check("write", name) {
        bytes.withUnsafeBytes {
          Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
        }
      }
    }
  }

  public func write(_ text: String) throws(PosixError) { try write(Array(text.utf8)) }

  /// Writes all bytes at `offset`. pwrite(2)
  public func write(_ bytes: [UInt8], at offset: Int) throws(PosixError) {
    var written = 0
    while written < bytes.count {
      written += try check("write", name) {
        bytes.withUnsafeBytes {
          pwrite(
            descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written,
            offset + written)
        }
      }
    }
  }

  /// Begins to write a part to the disk, so that the next sync takes less time. sync_file_range(2)
  public func startWriting(_ range: Range<Int>) {
    _ = cposix_start_writing(descriptor, range.lowerBound, range.count)
  }

  /// Returns when data and size are on the disk. fdatasync(2)
  public func syncData() throws(PosixError) { try check("sync", name) { fdatasync(descriptor) } }

  /// Returns when everything about the file is on the disk. fsync(2)
  public func sync() throws(PosixError) { try check("sync", name) { fsync(descriptor) } }

  public func truncate(to size: Int) throws(PosixError) {
    try check("truncate", name) { ftruncate(descriptor, size) }
  }

  /// If root made the file in another user's folder, gives it to that user, who could not use it otherwise. fchown(2)
  public func giveToOwner(of folder: String) throws(PosixError) {
    if geteuid() != 0 { return }
    var info = stat()
    try check("read", folder) { stat(folder, &info) }
    if info.st_uid == 0 { return }
    try check("change", name) { fchown(descriptor, info.st_uid, info.st_gid) }
  }

  /// Sets the time of its last change, in whole seconds since 1970. futimens(2)
  public func setModified(_ seconds: Int) throws(PosixError) {
    try check("change", name) { futimens(descriptor, Files.times(seconds)) }
  }

  /// Sets the permission bits; the umask does not change them. fchmod(2)
  public func setMode(_ mode: mode_t) throws(PosixError) {
    try check("change", name) { fchmod(descriptor, mode) }
  }

  /// Its kind, mode, size and owner. fstat(2)
  public func info() throws(PosixError) -> Files.Info {
    var info = stat()
    try check("read", name) { fstat(descriptor, &info) }
    return Files.Info(info)
  }

  /// Its length in bytes, read without its times. Since Linux 6.13, reading the times makes the next write keep a finer
  /// time, and a sync of that write takes some 70 µs more. statx(2)
  public func size() throws(PosixError) -> Int {
    try check("read", name) { Int(cposix_size(descriptor)) }
  }

  /// The first offset, from `offset` on, that is not in a hole; nil if there is none. lseek(2), SEEK_DATA
  public func nextData(from offset: Int) throws(PosixError) -> Int? {
    let place = cposix_next_data(descriptor, offset)
    return place < 0 ? nil : place
  }

  /// Makes reads and writes return EAGAIN instead of waiting. Do not use it for a terminal: every program that has the
  /// terminal open shares the flag.
  public func setNonBlocking() throws(PosixError) { try changeFlags { $0 | O_NONBLOCK } }

  func setBlocking() throws(PosixError) { try changeFlags { $0 & ~O_NONBLOCK } }

  private func changeFlags(_ change: (Int32) -> Int32) throws(PosixError) {
    let flags = try check("read", name) { fcntl(descriptor, F_GETFL) }
    try check("change", name) { fcntl(descriptor, F_SETFL, change(flags)) }
  }
}
