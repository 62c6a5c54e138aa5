import HomeLayout

/// A point in the history of a home, by the clock or by number: what was so far counts, what came later does not.
public enum HistoryPoint: Hashable, Sendable {
  case time(Timestamp)
  case sequence(UInt64)
}

extension Board {
  /// What the clock showed at the moment that this is the board of: ages are counted to it.
  public func now(at moment: HistoryPoint?, clock: Timestamp) -> Timestamp {
    switch moment {
    case .time(let moment): min(moment, clock)
    case .sequence: time
    case nil: clock
    }
  }
}
