import Glibc

/// The clock that all processes of a host share, in nanoseconds. clock_gettime(2), CLOCK_MONOTONIC
enum Stopwatch {
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  static func wait(until moment: Int64) {
    var time = timespec(tv_sec: Int(moment / 1_000_000_000), tv_nsec: Int(moment % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &time, nil) != 0 {}
  }

  /// Milliseconds that `work` takes.
  static func time(_ work: () throws -> Void) rethrows -> Double {
    let start = now()
    try work()
    return Double(now() - start) / 1e6
  }

  /// Milliseconds that `work` takes in each of several runs.
  static func times(_ count: Int, _ work: () throws -> Void) rethrows -> [Double] {
    try (0..<count).map { _ in try time(work) }
  }
}
