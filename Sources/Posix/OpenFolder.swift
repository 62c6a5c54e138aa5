import Glibc

/// An open folder whose names are read one by one. It is closed when its last owner releases it. readdir(3)
final class OpenFolder {
  private let stream: OpaquePointer
  /// Its name in errors.
  private let name: String

  /// - Parameter path: links in it are followed. opendir(3)
  init?(_ path: String) {
    guard let stream = opendir(path) else { return nil }
    (self.stream, name) = (stream, path)
  }

  /// Takes over the descriptor of a folder. fdopendir(3)
  /// - Parameter descriptor: -1 after a failed call.
  init?(owning descriptor: Int32, name: String) {
    if descriptor == -1 { return nil }
    guard let stream = fdopendir(descriptor) else {
      let reason = errno
      close(descriptor)
      errno = reason
      return nil
    }
    (self.stream, self.name) = (stream, name)
  }

  deinit { closedir(stream) }

  var descriptor: Int32 { dirfd(stream) }

  /// The next name as the kernel has it, which may be any bytes; nil at the end.
  func next() throws(PosixError) -> [UInt8]? {
    while true {
      // At the end of the folder readdir(3) leaves errno as it is.
      errno = 0
      guard let entry = readdir(stream) else {
        let reason = Errno.current
        if reason.rawValue == 0 { return nil }
        throw PosixError("list", name, reason)
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [46], name != [46, 46] { return name }
    }
  }
}
