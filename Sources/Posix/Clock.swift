import CPosix
import Glibc

/// Clocks, in milliseconds unless said otherwise.
public enum Clock {
  /// Since 1970, UTC; jumps when the host's clock is set.
  public static func now() -> Int64 { read(CLOCK_REALTIME) }

  /// Since a moment in the past; never jumps.
  public static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

  /// The monotonic clock in microseconds, for measurements.
  public static func microseconds() -> Int64 { read(CLOCK_MONOTONIC, perSecond: 1_000_000) }

  /// Seconds east of UTC at a moment, according to `TZ` or the host's zone. localtime_r(3)
  public static func utcOffset(at milliseconds: Int64) -> Int {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    return localtime_r(&seconds, &parts) == nil ? 0 : parts.tm_gmtoff
  }

  /// Makes this thread sleep. poll(2)
  public static func pause(milliseconds: Int64) { poll(nil, 0, Int32(clamping: milliseconds)) }

  /// Whether a time service keeps the host's clock right; nil if the kernel does not say. adjtimex(2)
  public static var isKept: Bool? {
    switch cposix_clock_is_kept() {
    case 1: true
    case 0: false
    default: nil
    }
  }

  private static func read(_ clock: clockid_t, perSecond rate: Int64 = 1000) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * rate + Int64(time.tv_nsec) * rate / 1_000_000_000
  }
}
