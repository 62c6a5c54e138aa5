import Glibc

/// The space that a file system has left for this process. statvfs(3)
public struct Space: Hashable, Sendable {
  public var bytes: Int
  /// How many more files can be made; nil if the file system has no limit for that.
  public var files: Int?

  public init(bytes: Int, files: Int? = nil) { (self.bytes, self.files) = (bytes, files) }
}

extension File {
  /// The space left on the file system of the file. fstatvfs(3)
  public func space() throws(PosixError) -> Space {
    var info = statvfs()
    try check("look at", name) { fstatvfs(descriptor, &info) }
    let isRoot = geteuid() == 0
    // Root may use the blocks that are reserved for root, except ext4's own reserve: 2 % or 4096 blocks.
    // Source: Linux, fs/ext4/super.c, ext4_calculate_resv_clusters.
    let kept = min(info.f_blocks / 50, 4096)
    let forRoot = info.f_bfree > kept ? info.f_bfree - kept : 0
    let blocks = UInt64(isRoot ? max(info.f_bavail, forRoot) : info.f_bavail)
    let bytes = blocks.multipliedReportingOverflow(by: UInt64(info.f_frsize))
    return Space(
      bytes: bytes.overflow ? .max : Int(clamping: bytes.partialValue),
      files: info.f_files == 0 ? nil : Int(clamping: isRoot ? info.f_ffree : info.f_favail))
  }
}

extension Files {
  /// The space left on the file system of a path.
  public static func space(at path: String) throws(PosixError) -> Space {
    try File.open(path, .read).space()
  }

  /// The highest folder above a path on the same file system; nil if the path does not exist.
  public static func mountPoint(of path: String) -> String? {
    guard var place = try? resolve(path), let device = device(of: place) else { return nil }
    while place != "/", self.device(of: parent(of: place)) == device { place = parent(of: place) }
    return place
  }

  private static func device(of path: String) -> dev_t? { status(path)?.st_dev }
}

extension PosixError {
  /// Whether a file system or a user's quota is used up. For a watch the same error number means that the user has too
  /// many watches. inotify_add_watch(2)
  public var isDiskFull: Bool {
    (errno == .noSpace || errno == .quotaExceeded) && action != "watch"
  }
}
