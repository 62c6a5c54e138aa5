import Posix
import Synchronization

/// A writer's open files, kept from one append of this process to the next, and how far the log is durable. The copies
/// of a `DurableLog` value share one cache.
final class WriterCache: Sendable {
  struct Entry {
    var lock: File
    var segment: File
    var end: LogEnd
    var note: [UInt8]
    var names: NameWatch
  }

  private struct State {
    var entry: Entry?
    var isUsed = false
    var durable: UInt64?
  }

  private let state = Mutex(State())

  /// Takes the entry out. Another thread that writes meanwhile opens files of its own, since threads that share an open
  /// file share its lock.
  func take() -> Entry? {
    state.withLock { state in
      defer { state.entry = nil }
      return state.entry
    }
  }

  func leave(_ entry: Entry) { state.withLock { $0.entry = entry } }

  /// Whether this was called before. Many programs write one event only, and a watch would cost more than the event.
  func isUsedAgain() -> Bool {
    state.withLock { state in
      defer { state.isUsed = true }
      return state.isUsed
    }
  }

  /// The newest segment at the last sync of the whole log; nil before the first one.
  var durable: UInt64? {
    get { state.withLock { $0.durable } }
    set { state.withLock { $0.durable = newValue } }
  }
}
