import Posix
import Synchronization

/// What the copies of a log value in one process share: files that stay open from one append to the next, and how far
/// the log was made durable.
final class Desk: Sendable {
  /// What a writer leaves for the next one.
  struct Place {
    var lock: File
    var segment: File
    var end: End
    var note: [UInt8]
    var names: Names
  }

  private struct State {
    var place: Place?
    var isUsed = false
    var durable: UInt64?
  }

  private let state = Mutex(State())

  /// Takes the place away: another thread that writes meanwhile opens files of its own, since those that share a file
  /// share its lock.
  func take() -> Place? {
    state.withLock { state in
      defer { state.place = nil }
      return state.place
    }
  }

  func leave(_ place: Place) { state.withLock { $0.place = place } }

  /// Whether this has been asked before: many programs write one event, and to begin and end a watch for it would take
  /// longer than the event.
  func isUsedAgain() -> Bool {
    state.withLock { state in
      defer { state.isUsed = true }
      return state.isUsed
    }
  }

  /// The newest segment there was when all lines were made durable last; nil before that.
  var durable: UInt64? {
    get { state.withLock { $0.durable } }
    set { state.withLock { $0.durable = newValue } }
  }
}
