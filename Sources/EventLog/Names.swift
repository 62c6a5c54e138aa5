import Posix

/// Whether the names in a log's folder are still those of the files that a writer has open.
///
/// To look up a path for each event would cost a good part of writing it. So the folder is watched; what that cannot
/// tell, that a folder above it was moved, is looked for once a second.
struct Names {
  private let watch: FolderWatch
  private var looked = Clock.monotonic()
  /// Whether it watches a folder that is not the log's any more.
  private(set) var isLost = false

  /// nil where the folder cannot be watched.
  init?(of log: EventLog) {
    guard let watch = try? FolderWatch(namesIn: log.folder) else { return nil }
    self.watch = watch
  }

  /// Whether nothing has changed since the last call.
  mutating func areTheSame(lock: File) -> Bool {
    let notice = watch.drain(noticing: "")
    let now = Clock.monotonic()
    if now - looked >= 1000 {
      looked = now
      isLost = Files.inode(lock.name) != Files.inode(of: lock)
    }
    isLost = isLost || notice.isLost
    return !isLost && !notice.isWanted
  }
}
