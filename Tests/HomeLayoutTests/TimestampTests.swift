import HomeLayout
import Testing

@Suite struct TimestampTests {
  /// Checked with `date -u -d @SECONDS`.
  @Test func knownTimes() {
    let cases: [(Int64, String)] = [
      (0, "1970-01-01T00:00:00.000Z"),
      (-1, "1969-12-31T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (951_868_799_999, "2000-02-29T23:59:59.999Z"),
      (951_868_800_000, "2000-03-01T00:00:00.000Z"),
      (-2_203_891_200_000, "1900-03-01T00:00:00.000Z"),
      (-2_203_891_200_001, "1900-02-28T23:59:59.999Z"),
      (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (1_795_244_709_042, "2026-11-21T07:05:09.042Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
      (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
    ]
    for (milliseconds, text) in cases {
      let moment = Timestamp(milliseconds: milliseconds)
      #expect(moment.description == text)
      #expect(Timestamp(text) == moment)
    }
  }

  /// A time in the future has an elapsed time of 0: a clock can be set back.
  @Test(
    arguments: [
      (1000, 400, 600), (1000, 1000, 0), (1000, 1001, 0), (0, 253_402_300_799_999, 0),
      (253_402_300_799_999, -62_167_219_200_000, 315_569_520_000_000 - 1),
    ] as [(Int64, Int64, Int64)])
  func elapsedTimeIsNeverNegative(now: Int64, since: Int64, passed: Int64) {
    #expect(
      Timestamp(milliseconds: now).elapsed(since: Timestamp(milliseconds: since)) == passed)
  }

  /// Days throughout the years 0 to 9999, each at another time of day.
  @Test func roundTripOverCenturies() {
    var wrong: [Int64] = []
    var before = ""
    for day in stride(from: Int64(-719_528), to: 2_932_897, by: 29) {
      let moment = Timestamp(milliseconds: day * 86_400_000 + (day + 719_528) * 7_919 % 86_400_000)
      let text = moment.description
      if Timestamp(text) != moment || text.utf8.count != 24 || text <= before {
        wrong.append(moment.milliseconds)
      }
      before = text
    }
    #expect(wrong == [])
  }

  @Test func everyDayOfLeapYearsAndOthers() {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    var wrong: [String] = []
    for (year, isLeap) in [("1900", false), ("2000", true), ("2023", false), ("2024", true)] {
      var expected = Timestamp("\(year)-01-01T00:00:00Z")
      for (index, length) in lengths.enumerated() {
        for day in 1...31 {
          let month = (index < 9 ? "0" : "") + String(index + 1)
          let text = "\(year)-\(month)-\(day < 10 ? "0" : "")\(day)T00:00:00.000Z"
          let isDay = day <= length || (day == 29 && index == 1 && isLeap)
          if Timestamp(text) != (isDay ? expected : nil) { wrong.append(text) }
          if isDay { expected = expected.map { $0 + 86_400_000 } }
        }
      }
    }
    #expect(wrong == [])
  }

  @Test func otherFormsOfRFC3339() {
    let same = Timestamp(milliseconds: 1_795_244_709_042)
    let cases: [(String, Int64)] = [
      ("2026-11-21T08:05:09.042+01:00", 0),
      ("2026-11-21T01:35:09.042-05:30", 0),
      ("2026-11-20T07:06:09.042-23:59", 0),
      ("2026-11-21t07:05:09.042z", 0),
      ("2026-11-21 07:05:09.042Z", 0),
      ("2026-11-21T07:05:09.0429999999999999999999999999Z", 0),
      ("2026-11-21T07:05:09.04Z", -2),
      ("2026-11-21T07:05:09.1Z", 58),
      ("2026-11-21T07:05:09Z", -42),
      ("2026-11-21T07:05Z", -9042),
      ("2026-11-21T07:05:60Z", 50_958),
    ]
    for (text, difference) in cases {
      #expect(Timestamp(text).map { $0 - same } == difference, "\(text)")
    }
  }

  @Test func invalidTimesAreRefused() {
    let cases = [
      "", "2026", "2026-11-21", "2026-11-21T07", "2026-11-21T07:05:09", "2026-11-21T07:05:09.Z",
      "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
      "2026-01-32T00:00:00Z", "2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z",
      "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-21T24:00:00Z",
      "2026-11-21T07:60:00Z", "2026-11-21T07:05:61Z", "2026-11-21T07:05:09+0100",
      "2026-11-21T07:05:09+24:00", "2026-11-21T07:05:09+01:60", "2026-11-21T07:05:09Z ",
      " 2026-11-21T07:05:09Z", "2026-11-21T07:05:09ZZ", "26-11-21T07:05:09Z",
      "+026-11-21T07:05:09Z", "2026-1-21T07:05:09Z", "２０２６-11-21T07:05:09Z",
      // Outside the years that fit four digits.
      "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01",
    ]
    #expect(cases.filter { Timestamp($0) != nil } == [])
  }

  /// The fast reader agrees with the slow one on written times, and accepts nothing that the slow
  /// one refuses.
  @Test func fastReaderAgreesWithTheSlowOne() {
    var wrong: [String] = []
    for day in stride(from: Int64(-719_528), to: 2_932_897, by: 997) {
      let text = Timestamp(milliseconds: day * 86_400_000 + (day + 719_528) * 7_919 % 86_400_000)
        .description
      var bytes = Array(text.utf8)
      if Timestamp(written: bytes.span) != Timestamp(text) { wrong.append(text) }
      let place = Int(day + 719_528) % 24
      for byte in [0x00, 0x20, 0x2F, 0x30, 0x39, 0x3A, 0x54, 0x5A, 0x7A, 0xFF] as [UInt8] {
        bytes[place] = byte
        let changed = String(decoding: bytes, as: UTF8.self)
        if let fast = Timestamp(written: bytes.span), fast != Timestamp(changed) {
          wrong.append(changed)
        }
      }
    }
    #expect(wrong == [])
    let others = [
      "", "2026-11-21T07:05:09.042", "2026-11-21T07:05:09.042+", "2026-11-21t07:05:09.042z",
      "2026-11-21T07:05:60.042Z", "2026-11-21T07:05:09.04ZZ", "2026-11-21T07:05:09,042Z",
      "2026-02-29T07:05:09.042Z", "1900-02-29T07:05:09.042Z", "2026-00-01T07:05:09.042Z",
      "2026-13-01T07:05:09.042Z", "2026-01-00T07:05:09.042Z", "2026-01-01T24:05:09.042Z",
      "2026-01-01T23:60:09.042Z", "2026-01-01T23:59:09.0420Z", "２０26-01-01T23:59:09.0Z",
    ]
    #expect(others.compactMap { Timestamp(written: Array($0.utf8).span) } == [])
  }

  @Test func differencesNeverTrap() {
    let (least, most) = (Timestamp(milliseconds: .min), Timestamp(milliseconds: .max))
    #expect(Timestamp(milliseconds: 1500) - Timestamp(milliseconds: 300) == 1200)
    #expect(Timestamp(milliseconds: 300) + 1200 == Timestamp(milliseconds: 1500))
    _ = (most - least, most + 1, least.description, most.description)
  }
}
