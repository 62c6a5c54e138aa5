import Posix

/// A watch that says whether the names in a log's folder still belong to the files that a writer has open.
///
/// Looking up a path for each event would take much of the time of a write, so the folder is watched. The watch does
/// not report that a folder above was moved, so the path is looked up once a second.
struct NameWatch {
  private let watch: FolderWatch
  private var looked = Clock.monotonic()
  /// Whether the watched folder is no longer the log's folder.
  private(set) var isLost = false

  /// nil if the folder cannot be watched.
  init?(of log: DurableLog) {
    guard let watch = try? FolderWatch(log.folder, namesOnly: true) else { return nil }
    self.watch = watch
  }

  /// Whether nothing has changed since the last call.
  mutating func areTheSame(lock: File) -> Bool {
    let notice = watch.drain(noticing: "")
    let now = Clock.monotonic()
    // A folder that was removed and made again reports that only when no process has the old one open any more.
    if notice.isWanted || now - looked >= 1000 {
      looked = now
      isLost = Files.inode(lock.name) != Files.inode(of: lock)
    }
    isLost = isLost || notice.isLost
    return !isLost && !notice.isWanted
  }
}
