import Glibc
import Posix
import ReleaseModel

/// The time on the wall where the terminal stands.
enum Clocks {
  static var now: Timestamp { Timestamp(milliseconds: Clock.now()) }

  /// Seconds east of UTC at a moment, by `TZ` or the host's zone. localtime_r(3)
  static func utcOffset(at time: Timestamp) -> Int {
    var seconds = time_t(time.milliseconds / 1000)
    var parts = tm()
    return localtime_r(&seconds, &parts) == nil ? 0 : parts.tm_gmtoff
  }

  /// Milliseconds to the next full minute, when ages and clock may change.
  static var toNextMinute: Int64 { 60_000 - Clock.now() % 60_000 }
}
