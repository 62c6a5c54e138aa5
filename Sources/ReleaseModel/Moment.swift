/// A point in the history of a home: behind all events up to a time, or up to a number.
public enum Moment: Hashable, Sendable {
  case time(Timestamp)
  case sequence(UInt64)
}
