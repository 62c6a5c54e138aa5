import Events
import HomeLayout
import Posix

extension HistoryPoint {
  /// Parses what an operator types: RFC 3339; local time as `2026-11-21 07:05:09` or `07:05`, with or without seconds;
  /// an age as `10m`, in `s`, `m`, `h` or `d`; the number of an event as digits. A time without a date is the last time
  /// the clock showed it.
  /// - Parameter utcOffset: the offset of local time at a moment, in seconds east of UTC.
  /// - Throws: `RT-USAGE`.
  public init(_ text: String, now: Timestamp, utcOffset: @escaping (Timestamp) -> Int) throws(Cause)
  {
    let wall = Wall(now: now, utcOffset: utcOffset)
    if let number = UInt64(digits: text), number > 0 {
      self = .sequence(number)
    } else if let time = Self.ago(text, now: now) ?? Timestamp(text) ?? wall.time(text) {
      self = .time(time)
    } else {
      throw Cause(.usage, "'\(text)' is not a time", remedy: Self.examples)
    }
  }

  /// As `init(_:now:utcOffset:)`, with this host's clock and zone.
  public init(typed text: String) throws(Cause) {
    try self.init(
      text, now: Timestamp(milliseconds: Clock.now()),
      utcOffset: { Clock.utcOffset(at: $0.milliseconds) })
  }

  static let examples =
    "As in: 10m, 2h, 3d, 07:05, '2026-11-21 07:05', 2026-11-21T07:05:09Z"

  private static func ago(_ text: String, now: Timestamp) -> Timestamp? {
    let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
    guard let unit = text.last.flatMap({ units[$0] }),
      let count = UInt64(digits: text.dropLast()).flatMap(Int64.init(exactly:))
    else { return nil }
    let (past, isTooLong) = count.multipliedReportingOverflow(by: unit)
    return isTooLong || past > now.milliseconds ? nil : now + -past
  }
}

extension UInt64 {
  init?(digits: some StringProtocol) {
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    self.init(digits)
  }
}

private struct Wall {
  let now: Timestamp
  let utcOffset: (Timestamp) -> Int

  /// `2026-11-21 07:05[:09]`, or the time alone.
  func time(_ text: String) -> Timestamp? {
    if text.utf8.count > 8 { return Timestamp(text + "Z").map(moment) }
    guard text.utf8.count >= 5 else { return nil }
    return Timestamp("\(day(now)) \(text)Z").map(moment).flatMap { today in
      today <= now ? today : Timestamp("\(day(now + -86_400_000)) \(text)Z").map(moment)
    }
  }

  private func day(_ time: Timestamp) -> Substring {
    (time + Int64(utcOffset(time)) * 1000).description.prefix(10)
  }

  /// The moment of a local time, which is given as if it were UTC. If the clock was put back and showed the time twice,
  /// it is one of the two moments; if the clock was put forward over the time, it is a moment near by.
  private func moment(_ shown: Timestamp) -> Timestamp {
    let near = shown + Int64(-utcOffset(shown)) * 1000
    return shown + Int64(-utcOffset(near)) * 1000
  }
}
