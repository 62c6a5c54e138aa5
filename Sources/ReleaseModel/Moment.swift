/// A place in the log as people name it: by the clock or by number.
public enum Moment: Hashable, Sendable {
  case time(Timestamp)
  case sequence(UInt64)
}
