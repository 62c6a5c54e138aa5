import CPosix

/// A lock on a file, held until the value is released or the process ends.
///
/// It is an open-file-description lock (`fcntl(2)`, `F_OFD_SETLK`): two openings of the same file exclude each other
/// even in one process. A program can see whether the lock is held without taking it.
public final class Lock: Sendable {
  public let file: File

  private init(_ file: File) { self.file = file }

  /// Closing alone would not release the lock if a child, between vfork(2) and execve(2), has a copy of the descriptor.
  deinit { _ = cposix_unlock(file.descriptor) }

  /// Takes the lock, and makes the file if it is missing.
  /// - Returns: nil if it is held elsewhere.
  public static func take(_ path: String) throws(PosixError) -> Lock? { try take(try open(path)) }

  /// Takes the lock on a file that is open for writing.
  /// - Returns: nil if it is held elsewhere.
  public static func take(_ file: File) throws(PosixError) -> Lock? {
    do throws(PosixError) {
      try check("lock", file.name) { cposix_lock(file.descriptor, 1, 0) }
    } catch {
      if error.errno == .again || error.errno == .accessDenied { return nil }
      throw error
    }
    return Lock(file)
  }

  private static func open(_ path: String) throws(PosixError) -> File {
    do throws(PosixError) { return try File.open(path, .change) } catch {
      if error.errno != .noSuchFile { throw error }
    }
    do throws(PosixError) {
      let file = try File.open(path, .create)
      try file.giveToOwner(of: Files.parent(of: path))
      return file
    } catch {
      // Another process has made it meanwhile.
      if error.errno == .exists { return try File.open(path, .change) }
      throw PosixError("write", path, error.errno)
    }
  }

  /// Takes the lock of a folder, without making a file in it. flock(2)
  /// - Returns: the open folder, which holds the lock until it is released; nil if it is held elsewhere.
  public static func take(folder path: String) throws(PosixError) -> File? {
    let folder = try File.open(path, .folder)
    do throws(PosixError) {
      try check("lock", path) { cposix_flock(folder.descriptor) }
      return folder
    } catch {
      if error.errno == .again { return nil }
      throw error
    }
  }

  /// Takes the lock, and waits while it is held elsewhere.
  public static func wait(_ path: String) throws(PosixError) -> Lock { try wait(try open(path)) }

  /// Takes the lock on a file that is open for writing, and waits while it is held elsewhere.
  public static func wait(_ file: File) throws(PosixError) -> Lock {
    try check("lock", file.name) { cposix_lock(file.descriptor, 1, 1) }
    return Lock(file)
  }

  /// Whether the lock is held. This does not take it (`F_OFD_GETLK`).
  public static func isHeld(_ path: String) throws(PosixError) -> Bool {
    do throws(PosixError) {
      return try isHeld(try File.open(path, .read))
    } catch {
      if error.errno == .noSuchFile { return false }
      throw error
    }
  }

  public static func isHeld(_ file: File) throws(PosixError) -> Bool {
    try check("read", file.name) { cposix_is_locked(file.descriptor) } == 1
  }
}
