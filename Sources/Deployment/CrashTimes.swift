import Events
import HomeLayout
import Posix

/// When the instances of an app crashed last, so that each rests as long as it should though the host's clock is set:
/// that clock is asked once of each crash.
struct CrashTimes {
  private var known: [InstanceName: (crashes: Board.Crashes, moment: Int64)] = [:]

  /// Milliseconds since each crash.
  mutating func ages(
    of crashes: [InstanceName: Board.Crashes], now: Int64 = Clock.monotonic(),
    clock: Timestamp = Timestamp(milliseconds: Clock.now())
  ) -> [InstanceName: Int64] {
    let before = known
    known = [:]
    for (instance, new) in crashes {
      let old = before[instance].flatMap { old in
        (old.crashes.count, old.crashes.last) == (new.count, new.last) ? old : nil
      }
      known[instance] = old ?? (new, MonotonicTime.of(new.last, now: now, clock: clock))
    }
    return known.mapValues { now - $0.moment }
  }
}

enum MonotonicTime {
  /// A moment of the log on the clock that never jumps, as far as the host's clock can tell; now, where it is still to
  /// come.
  static func of(
    _ time: Timestamp, now: Int64 = Clock.monotonic(),
    clock: Timestamp = Timestamp(milliseconds: Clock.now())
  ) -> Int64 {
    now - clock.elapsed(since: time)
  }
}
