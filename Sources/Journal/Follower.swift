import EventLog
import Posix
import ReleaseModel

/// Reads the log as it grows, and keeps a board current with it.
///
/// It owns no thread: who uses it polls `descriptor` among its other sources and calls `take`.
public struct Follower: Sendable {
  public private(set) var board = Board()
  private var reader: Reader
  private var watch: FolderWatch?
  private let folder: String

  public init(_ journal: Journal) {
    folder = journal.log.folder
    reader = Reader(journal.log)
    watch = try? FolderWatch(folder)
  }

  /// Readable when something has changed; nil where the folder is not there (yet) or cannot be watched.
  public var descriptor: Int32? { watch?.file.descriptor }

  /// Parts of the log that are no events.
  public var damage: [Damage] { reader.damage }

  /// Folds everything that came since the last call into the board, and gives it.
  public mutating func take() throws(Cause) -> [Event] {
    if watch == nil { watch = try? FolderWatch(folder) }
    watch?.drain()
    var events: [Event] = []
    do throws(EventLogError) {
      while true {
        let lines = try reader.next()
        if lines.isEmpty { return events }
        for line in lines {
          let event = Event(line)
          board.apply(event)
          events.append(event)
        }
      }
    } catch { throw Cause(error) }
  }

  /// Waits until the log may have grown, another descriptor can be read, or the time is up.
  /// Where the folder cannot be watched the log is looked at once a second.
  public func wait(_ others: [Int32] = [], milliseconds: Int64? = nil) throws(Cause) {
    let descriptors = others + [descriptor].compactMap { $0 }
    let limit = descriptor == nil ? min(milliseconds ?? 1000, 1000) : milliseconds
    do throws(PosixError) { _ = try Poll.wait(descriptors, milliseconds: limit) } catch {
      throw Cause(error)
    }
  }
}
