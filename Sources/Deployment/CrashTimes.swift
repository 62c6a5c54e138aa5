import Events
import HomeLayout
import Posix

/// The times of the instances' last crashes on the monotonic clock, so that setting the host's
/// clock does not change a pause. The host's clock is read once for each crash.
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
  /// The monotonic time of a moment in the log; now if that moment is in the future.
  static func of(
    _ time: Timestamp, now: Int64 = Clock.monotonic(),
    clock: Timestamp = Timestamp(milliseconds: Clock.now())
  ) -> Int64 {
    now - clock.elapsed(since: time)
  }
}
