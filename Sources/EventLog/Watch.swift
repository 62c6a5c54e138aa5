import Posix

/// A watch whose descriptor becomes readable when the log may have grown. It owns no thread: use it in an `EventLoop`.
public struct Watch: Sendable {
  private let log: DurableLog
  private var folder: FolderWatch?

  /// Milliseconds between two looks at a folder that cannot be watched: it is not there yet, or the system has no watch
  /// left.
  public static let fallback: Int64 = 1000

  public init(_ log: DurableLog) {
    self.log = log
    folder = try? FolderWatch(log.folder)
  }

  /// Readable when something has changed; nil if the folder cannot be watched.
  public var descriptor: Int32? { folder?.file.descriptor }

  /// Whether a segment has changed since the last call. Changes of other files are not reported.
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
