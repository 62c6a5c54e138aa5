import CommandLine
import Events
import HomeLayout
import Testing

struct HistoryPointTests {
  /// Two hours east of UTC before the clock is put back, one after; 2026-10-25T01:00Z as in Berlin.
  private static func berlin(_ time: Timestamp) -> Int {
    time < Timestamp("2026-10-25T01:00:00Z")! ? 7200 : 3600
  }

  private static func read(_ text: String, now: String) throws -> HistoryPoint {
    try HistoryPoint(text, now: Timestamp(now)!, utcOffset: berlin)
  }

  @Test(arguments: [
    ("2026-11-21T07:05:09Z", "2026-11-21T07:05:09.000Z"),
    ("2026-11-21T07:05:09.042+02:00", "2026-11-21T05:05:09.042Z"),
    ("2026-11-21 07:05", "2026-11-21T06:05:00.000Z"),
    ("2026-11-21 07:05:09", "2026-11-21T06:05:09.000Z"),
    ("2026-07-01T07:05", "2026-07-01T05:05:00.000Z"),
    ("07:05", "2026-11-21T06:05:00.000Z"), ("07:05:09", "2026-11-21T06:05:09.000Z"),
    // Not yet today, so yesterday.
    ("23:59", "2026-11-20T22:59:00.000Z"), ("10:01", "2026-11-20T09:01:00.000Z"),
    ("10:00", "2026-11-21T09:00:00.000Z"),
    ("45s", "2026-11-21T08:59:15.000Z"), ("10m", "2026-11-21T08:50:00.000Z"),
    ("2h", "2026-11-21T07:00:00.000Z"), ("3d", "2026-11-18T09:00:00.000Z"),
    ("0s", "2026-11-21T09:00:00.000Z"),
    // The clock showed it twice: one of the two.
    ("2026-10-25 02:30", "2026-10-25T00:30:00.000Z"),
    ("2026-10-25 01:59", "2026-10-24T23:59:00.000Z"),
    ("2026-10-25 03:00", "2026-10-25T02:00:00.000Z"),
  ])
  func timesAreReadByTheClockOnTheWall(_ text: String, _ utc: String) throws {
    let moment = try Self.read(text, now: "2026-11-21T09:00:00Z")
    guard case .time(let time) = moment else { return #expect(Bool(false), "\(moment)") }
    if text == "2026-10-25 02:30" {
      #expect([utc, "2026-10-25T01:30:00.000Z"].contains(time.description))
    } else {
      #expect(time.description == utc)
    }
  }

  @Test func todayIsThatOfTheClockOnTheWall() throws {
    // Half past midnight on the 22nd there.
    #expect(
      try Self.read("00:10", now: "2026-11-21T23:30:00Z")
        == .time(Timestamp("2026-11-21T23:10:00Z")!))
    #expect(
      try Self.read("23:10", now: "2026-11-21T23:30:00Z")
        == .time(Timestamp("2026-11-21T22:10:00Z")!))
  }

  @Test(arguments: ["1", "42", "18446744073709551615"])
  func digitsAloneAreANumber(_ text: String) throws {
    #expect(try Self.read(text, now: "2026-11-21T09:00:00Z") == .sequence(UInt64(text)!))
  }

  @Test(arguments: [
    "", "0", "-1", "+1", "18446744073709551616", "x", "10 m", "m", "-10m", "10w", "1.5h",
    "99999999999999999999d", "9223372036854775807d", "30000d", "7:05", "24:00", "07:60", "07:05Z",
    "07:05:", "2026-11-21", "2026-13-01 00:00", "2026-02-30 00:00", "2026-11-21  07:05", "١٠m",
    "07:05 07:05", "\u{1B}[2J",
  ])
  func whatIsNoMomentIsRefusedWithExamples(_ text: String) {
    let error = #expect(throws: Cause.self) { try Self.read(text, now: "2026-11-21T09:00:00Z") }
    #expect(error?.id == "RT-USAGE" && error?.remedy?.hasPrefix("As in: ") == true)
  }
}

struct GlobTests {
  @Test(arguments: [
    ("instance.*", "instance.ready", true), ("instance.*", "instance.", true),
    ("instance.*", "node.instance.up", false), ("*", "", true),
    ("*.requested", "stop.requested", true),
    ("*.requested", "preview.open.requested", true), ("stop", "stop.requested", false),
    ("?.b", "a.b", true), ("?.b", ".b", false), ("a?c*e", "abcdde", true),
    ("a?c*e", "acdde", false),
    ("*a*b*", "xxbxxab", true), ("*a*b", "bbbaaa", false), ("**", "x", true), ("", "", true),
    ("", "x", false),
    ("[a]", "a", false), ("a.b", "axb", false),
  ])
  func matchesTheWholeName(_ pattern: String, _ name: String, _ isMatch: Bool) {
    #expect(Glob(pattern).matches(name) == isMatch)
  }

  /// Would take years if each star were tried with all others.
  @Test func manyStarsTakeNoTime() {
    let name = String(repeating: "a", count: 10_000)
    #expect(!Glob(String(repeating: "*a", count: 500) + "b").matches(name))
  }
}
