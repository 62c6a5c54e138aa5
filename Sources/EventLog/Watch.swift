import Posix

/// Tells when the log may have grown. It owns no thread: who uses it polls `descriptor` among its other sources.
public struct Watch: Sendable {
  private let log: EventLog
  private var folder: FolderWatch?

  /// Where the folder cannot be watched (it is not there yet, or the system has no watch left) it is looked at
  /// once in so many milliseconds.
  public static let fallback: Int64 = 1000

  public init(_ log: EventLog) {
    self.log = log
    folder = try? FolderWatch(log.folder)
  }

  /// Readable when something has changed; nil where the folder cannot be watched.
  public var descriptor: Int32? { folder?.file.descriptor }

  /// Whether there may be new lines since the last call; what is written beside the segments does not count.
  public mutating func hasChanged() -> Bool {
    guard let folder else {
      self.folder = try? FolderWatch(log.folder)
      return true
    }
    let notice = folder.drain(noticing: ".jsonl")
    if notice.isLost { self.folder = try? FolderWatch(log.folder) }
    return notice.isWanted || notice.isLost
  }
}
