/// A time in UTC, in milliseconds since 1970. As in POSIX time, there are no leap seconds.
public struct Timestamp: Hashable, Comparable, Sendable {
  public var milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// Milliseconds from `earlier` to `later`; negative if they are in the other order.
  public static func - (later: Timestamp, earlier: Timestamp) -> Int64 {
    later.milliseconds.subtractingReportingOverflow(earlier.milliseconds).partialValue
  }

  /// Milliseconds since an earlier time; 0 if that time is in the future, as it can be after the clock was set back.
  public func elapsed(since earlier: Timestamp) -> Int64 { max(0, self - earlier) }

  public static func + (moment: Timestamp, milliseconds: Int64) -> Timestamp {
    Timestamp(milliseconds: moment.milliseconds.addingReportingOverflow(milliseconds).partialValue)
  }
}

extension Timestamp: CustomStringConvertible {
  /// The form of RFC 3339 that reltui writes: `2026-11-21T07:05:09.042Z`, always 24 bytes long.
  public var description: String { String(decoding: text, as: UTF8.self) }

  public var text: [UInt8] {
    let nearest = min(max(milliseconds, Self.writable.lowerBound), Self.writable.upperBound)
    let (days, ofDay) = nearest.floorDivided(by: 86_400_000)
    let (year, month, day) = Self.date(daysSince1970: days)
    var text = Self.zeros
    func put(_ number: Int64, before end: Int) {
      var (rest, place) = (number, end)
      while rest > 0 {
        place -= 1
        text[place] += UInt8(rest % 10)
        rest /= 10
      }
    }
    put(year, before: 4)
    put(month, before: 7)
    put(day, before: 10)
    put(ofDay / 3_600_000, before: 13)
    put(ofDay / 60_000 % 60, before: 16)
    put(ofDay / 1000 % 60, before: 19)
    put(ofDay % 1000, before: 23)
    return text
  }

  private static let zeros = Array("0000-00-00T00:00:00.000Z".utf8)

  /// The times that `description` can write with a year of four digits; times outside are written
  /// as the nearest of these.
  private static let writable: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

  /// Reads only what `description` writes. It is fast because every line of a log has a time.
  public init?(written text: Span<UInt8>) {
    guard text.count == 24, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
      text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
      text[19] == UInt8(ascii: "."), text[23] == UInt8(ascii: "Z")
    else { return nil }
    var areDigits = true
    func number(_ places: Range<Int>) -> Int64 {
      var value: Int64 = 0
      for place in places {
        let digit = text[place] &- UInt8(ascii: "0")
        areDigits = areDigits && digit < 10
        value = value * 10 + Int64(digit)
      }
      return value
    }
    let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
    let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
    let fraction = number(20..<23)
    guard areDigits, (1...12).contains(month), day >= 1,
      day <= Self.lastDay(year: year, month: month), hour < 24, minute < 60, second < 60
    else { return nil }
    let days = Self.daysSince1970(year: year, month: month, day: day)
    milliseconds = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + fraction
  }

  /// Reads RFC 3339 with `Z` or a numeric offset and any number of fractional digits (those beyond
  /// milliseconds are cut). Seconds may be left out. A day that its month does not have is refused,
  /// and so is a time outside the years 0 to 9999 in UTC.
  public init?(_ text: String) {
    var scanner = Digits(text.utf8)
    guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2),
      scanner.skip("-"), let day = scanner.number(2), (1...12).contains(month),
      day >= 1, day <= Self.lastDay(year: year, month: month),
      scanner.skip("T") || scanner.skip("t") || scanner.skip(" "),
      let hour = scanner.number(2), scanner.skip(":"), let minute = scanner.number(2),
      hour < 24, minute < 60
    else { return nil }
    var second: Int64 = 0
    var fraction: Int64 = 0
    if scanner.skip(":") {
      guard let value = scanner.number(2), value <= 60 else { return nil }
      second = value
      if scanner.skip(".") {
        guard let value = scanner.fraction() else { return nil }
        fraction = value
      }
    }
    guard let offset = scanner.offset(), scanner.isAtEnd else { return nil }
    let days = Self.daysSince1970(year: year, month: month, day: day)
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset * 60
    let moment = seconds * 1000 + fraction
    guard Self.writable.contains(moment) else { return nil }
    self.init(milliseconds: moment)
  }

  /// Howard Hinnant's `civil_from_days`: the proleptic Gregorian calendar, years from March.
  private static func date(daysSince1970 days: Int64) -> (Int64, Int64, Int64) {
    let (era, ofEra) = (days + 719_468).floorDivided(by: 146_097)
    let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func lastDay(year: Int64, month: Int64) -> Int64 {
    if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
    return [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let (era, yearOfEra) = (month <= 2 ? year - 1 : year).floorDivided(by: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}

extension Int64 {
  /// Quotient rounded down, and the remainder, which is never negative.
  fileprivate func floorDivided(by divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

/// A scanner for fixed-width numbers at the front of a text.
private struct Digits {
  private var rest: Substring.UTF8View

  init(_ text: String.UTF8View) { rest = text[...] }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard let first = rest.first, UInt32(first) == character.value else { return false }
    rest.removeFirst()
    return true
  }

  mutating func digit() -> Int64? {
    guard let first = rest.first, (48...57).contains(first) else { return nil }
    rest.removeFirst()
    return Int64(first - 48)
  }

  mutating func number(_ width: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<width {
      guard let next = digit() else { return nil }
      value = value * 10 + next
    }
    return value
  }

  /// Milliseconds.
  mutating func fraction() -> Int64? {
    guard var value = digit() else { return nil }
    var count = 1
    while let next = digit() {
      if count < 3 { value = value * 10 + next }
      count += 1
    }
    for _ in min(count, 3)..<3 { value *= 10 }
    return value
  }

  /// Minutes east of UTC.
  mutating func offset() -> Int64? {
    if skip("Z") || skip("z") { return 0 }
    let sign: Int64 = skip("+") ? 1 : skip("-") ? -1 : 0
    guard sign != 0, let hours = number(2), skip(":"), let minutes = number(2), hours < 24,
      minutes < 60
    else { return nil }
    return sign * (hours * 60 + minutes)
  }
}
