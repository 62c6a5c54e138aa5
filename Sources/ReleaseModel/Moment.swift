/// A point in the history of a home, by the clock or by number: what was so far counts, what came later does not.
public enum Moment: Hashable, Sendable {
  case time(Timestamp)
  case sequence(UInt64)
}
