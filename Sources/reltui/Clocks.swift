import HomeLayout
import Posix

/// The time by the wall clock, and its zone.
enum Clocks {
  static var now: Timestamp { Timestamp(milliseconds: Clock.now()) }

  /// Seconds east of UTC at a moment.
  static func utcOffset(at time: Timestamp) -> Int { Clock.utcOffset(at: time.milliseconds) }

  /// Milliseconds to the next full minute, when ages and clock may change.
  static var toNextMinute: Int64 { 60_000 - Clock.now() % 60_000 }
}
