import Glibc

extension Files {
  /// Sets when a file, folder or link itself was changed and read last, in seconds since 1970. utimensat(2)
  public static func setTimes(_ path: String, _ seconds: Int64) throws(PosixError) {
    let time = timespec(tv_sec: Int(seconds), tv_nsec: 0)
    try withUnsafePointer(to: (time, time)) { pointer throws(PosixError) in
      _ = try pointer.withMemoryRebound(to: timespec.self, capacity: 2) {
        times throws(PosixError) in
        try check("change", path) { utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) }
      }
    }
  }
}
