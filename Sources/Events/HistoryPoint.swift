import HomeLayout

/// A point in the history of a home, by time or by event number. Events up to and including it
/// count; later ones do not.
public enum HistoryPoint: Hashable, Sendable {
  case time(Timestamp)
  case sequence(UInt64)
}

extension Board {
  /// The time from which ages on the board are counted back.
  public func now(at moment: HistoryPoint?, clock: Timestamp) -> Timestamp {
    switch moment {
    case .time(let moment): min(moment, clock)
    case .sequence: time
    case nil: clock
    }
  }
}
