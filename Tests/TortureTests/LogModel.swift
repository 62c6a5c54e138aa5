import Posix

/// What the files of a log mean by docs/reference/event-log.md. It is written from that page alone and knows nothing
/// of Sources/EventLog, so that a mistake there is not made here again.
struct LogModel {
  struct Line: Hashable {
    var number: UInt64
    var time: String
    var bytes: [UInt8]
  }

  /// The lines that count, in their order.
  private(set) var lines: [Line] = []
  /// The numbers that no line has, up to the last one that is known to have been given.
  private(set) var missing: Set<UInt64> = []
  /// How many places are no event, or an event without its newline.
  private(set) var scars = 0
  /// How many whole lines have a number that was passed already.
  private(set) var repeated = 0
  /// How many lines are older than the line before.
  private(set) var older = 0
  /// The bytes that are damage. The page leaves open whether the separator behind a damaged place is one of them.
  private(set) var damagedBytes = 0...0
  /// Where the log ends in the newest segment.
  private(set) var end = 0
  /// Whether something that was never acknowledged stands behind the end.
  private(set) var isUnfinished = false
  /// A line at the end that lacks only its newline; the next writer completes it.
  private(set) var incomplete: Line?
  /// The next writer's first number.
  private(set) var next: UInt64 = 1
  /// The note, where it holds.
  private(set) var note: Note?
  /// Why the page does not say what a writer makes of this log; nil where it does.
  private(set) var doubt: String?

  var isDamaged: Bool { scars + repeated + older > 0 || !missing.isEmpty }
  var numbers: [UInt64] { lines.map(\.number) }

  private var segments: [UInt64] = []

  init(_ folder: String) throws {
    try self.init(
      Files.list(folder).reduce(into: [:]) { segments, name in
        guard let first = Self.segment(name) else { return }
        segments[first] = try Files.read(folder + "/" + name)
      },
      lock: Files.readIfThere(folder + "/.lock") ?? [])
  }

  init(_ contents: [UInt64: [UInt8]], lock: [UInt8] = []) {
    note = Note(lock)
    segments = contents.keys.sorted()
    guard let newest = segments.last, let newestBytes = contents[newest] else {
      next = max(1, note?.next ?? 1)
      missing = Set(1..<next)
      return
    }
    for (segment, after) in zip(segments, segments.dropFirst()) {
      take(Self.pieces(contents[segment] ?? []), segment..<after)
    }
    let pieces = Self.pieces(newestBytes)
    if let note, note.segment > newest {
      // It is as if the segment that the note names were there, without a line.
      end = newestBytes.count
      take(pieces, newest..<note.next)
    } else {
      end = end(of: newestBytes, pieces)
      takeNewest(pieces.filter { $0.place.lowerBound < end })
      takeOpen(newestBytes, pieces.filter { $0.place.lowerBound >= end })
    }
    findNext(pieces.filter { $0.place.lowerBound < end }, of: newestBytes)
    findMissing()
  }

  /// The numbers that a piece of the newest segment may have.
  private func numbers(at place: Int) -> Range<UInt64> {
    let first = segments.last ?? 1
    guard let note = noteOfNewest, place < note.offset else { return first..<(.max) }
    return first..<max(first, note.next)
  }

  private mutating func takeNewest(_ pieces: [SegmentPart]) {
    for piece in pieces { take([piece], numbers(at: piece.place.lowerBound)) }
  }

  static func name(_ segment: UInt64) -> String {
    String(10_000_000_000_000_000 + segment).dropFirst() + ".jsonl"
  }

  static func segment(_ name: String) -> UInt64? {
    guard name.hasSuffix(".jsonl"), name.utf8.count == 22 else { return nil }
    let number = digits(Array(name.utf8)[..<16])
    return number == 0 ? nil : number
  }

  // MARK: - Lines

  static let beginning = Array(#"{"seq":""#.utf8)
  static let longest = 262_144
  private static let newline = UInt8(ascii: "\n")

  /// The number of exactly 16 digits, up to 999999999999999.
  private static func digits(_ text: ArraySlice<UInt8>) -> UInt64? {
    guard text.count == 16, text.allSatisfy({ (48...57).contains($0) }) else { return nil }
    let number = text.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 48) }
    return number <= 999_999_999_999_999 ? number : nil
  }

  private static let afterNumber = Array(#"","specversion":"1.0","id":""#.utf8)
  private static let afterID = Array(#"","time":""#.utf8)
  private static let beforeSum = Array(#","crc32c":""#.utf8)
  private static let ending = Array(#""}"#.utf8)

  /// The line that these bytes are, from the first to the last.
  static func line(_ bytes: [UInt8], _ place: Range<Int>) -> Line? {
    let (start, tail) = (place.lowerBound, place.upperBound - 21)
    guard tail >= start + 118, place.count < longest, bytes.has(beginning, at: start),
      bytes.has(afterNumber, at: start + 24), bytes.has(afterID, at: start + 84),
      bytes.has(beforeSum, at: tail), bytes.has(ending, at: tail + 19),
      bytes.has(Array(checksum(bytes[start..<tail]).utf8), at: tail + 11),
      let number = digits(bytes[(start + 8)..<(start + 24)]), number > 0,
      bytes[(start + 52)..<(start + 84)].allSatisfy({
        (48...57).contains($0) || (97...102).contains($0)
      })
    else { return nil }
    let time = Array(bytes[(start + 94)..<(start + 118)])
    if !isTime(time) { return nil }
    return Line(
      number: number, time: String(decoding: time, as: UTF8.self), bytes: Array(bytes[place]))
  }

  /// `2026-11-21T07:05:09.042Z`, on a day that there is.
  private static func isTime(_ text: [UInt8]) -> Bool {
    for (byte, form) in zip(text, "0000-00-00T00:00:00.000Z".utf8) {
      guard form == 48 ? (48...57).contains(byte) : byte == form else { return false }
    }
    func number(_ places: Range<Int>) -> Int { places.reduce(0) { $0 * 10 + Int(text[$1]) - 48 } }
    let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...12).contains(month) && day >= 1 && day <= days[month - 1] && number(11..<13) < 24
      && number(14..<16) < 60 && number(17..<19) < 60
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
  }

  /// CRC-32C as eight hexadecimal digits.
  static func checksum(_ bytes: ArraySlice<UInt8>) -> String {
    var crc: UInt32 = 0xFFFF_FFFF
    table.withUnsafeBufferPointer { table in
      bytes.withUnsafeBufferPointer {
        for byte in $0 { crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
      }
    }
    return String(String(0x1_0000_0000 + UInt64(~crc), radix: 16).dropFirst())
  }

  // MARK: - Pieces

  /// A line, or bytes that are damage.
  struct SegmentPart {
    var place: Range<Int>
    var line: Line?
    /// The byte behind it; nil at the end of the file.
    var behind: UInt8?
    /// Whether it is a line with its newline.
    var isWhole: Bool { line != nil && behind == LogModel.newline }
    /// Behind it and the byte that is its own.
    var end: Int {
      let hasOne = line != nil && behind != nil && behind != 0 || behind == LogModel.newline
      return place.upperBound + (hasOne ? 1 : 0)
    }
    /// Whether it may still be written.
    var isOpen: Bool { behind == nil || behind == 0 }
  }

  /// What lies between newlines and NUL bytes, each with the separator behind it.
  private static func stretches(_ bytes: [UInt8]) -> [(place: Range<Int>, separator: UInt8?)] {
    var found: [(Range<Int>, UInt8?)] = []
    var (place, nextNewline, nextZero) = (0, -1, -1)
    while place < bytes.count {
      if nextNewline < place {
        nextNewline = bytes.firstIndex(of: newline, from: place) ?? bytes.count
      }
      if nextZero < place { nextZero = bytes.firstIndex(of: 0, from: place) ?? bytes.count }
      let end = min(nextNewline, nextZero)
      found.append((place..<end, end < bytes.count ? bytes[end] : nil))
      place = end + 1
    }
    return found
  }

  /// Where lines begin.
  private static func beginnings(_ bytes: [UInt8], in place: Range<Int>) -> [Int] {
    var found: [Int] = []
    var start = place.lowerBound
    while let hit = bytes.firstIndex(of: beginning[0], from: start),
      hit + beginning.count <= place.upperBound
    {
      if bytes.has(beginning, at: hit) { found.append(hit) }
      start = hit + 1
    }
    return found
  }

  /// Lines and damage, where all of it counts.
  private static func pieces(_ bytes: [UInt8]) -> [SegmentPart] {
    var pieces: [SegmentPart] = []
    for (place, separator) in stretches(bytes) where !place.isEmpty {
      if let line = line(bytes, place) {
        pieces.append(SegmentPart(place: place, line: line, behind: separator))
      } else if separator != newline || !bytes[place].allSatisfy({ $0 == 0x20 }) {
        pieces += broken(bytes, place, separator)
      }
    }
    return pieces
  }

  /// What is neither a line nor padding: lines may stand in it.
  private static func broken(_ bytes: [UInt8], _ place: Range<Int>, _ separator: UInt8?)
    -> [SegmentPart]
  {
    var pieces: [SegmentPart] = []
    var done = place.lowerBound
    func byte(_ index: Int) -> UInt8? { index < place.upperBound ? bytes[index] : separator }
    func damage(upTo end: Int) {
      if done < end { pieces.append(SegmentPart(place: done..<end, line: nil, behind: byte(end))) }
    }
    let part = max(place.lowerBound, place.upperBound - longest)..<place.upperBound
    let starts = beginnings(bytes, in: part).suffix(64)
    for start in starts where start >= done {
      let ends =
        starts.filter { $0 > start }.map { $0 - 1 } + [part.upperBound, part.upperBound - 1]
      for end in ends where end > start {
        guard let line = line(bytes, start..<end) else { continue }
        damage(upTo: start)
        pieces.append(SegmentPart(place: start..<end, line: line, behind: byte(end)))
        done = end + 1
        break
      }
    }
    damage(upTo: place.upperBound)
    return pieces
  }

  private mutating func take(_ pieces: [SegmentPart], _ numbers: Range<UInt64>) {
    for piece in pieces {
      let separator = piece.behind == Self.newline || piece.behind == 0 ? 1 : 0
      guard let line = piece.line else {
        scars += 1
        damaged(piece.place.count...(piece.place.count + separator))
        continue
      }
      if line.number <= lines.last?.number ?? 0 || !numbers.contains(line.number) {
        repeated += 1
        damaged(piece.place.count...(piece.place.count + 1))
      } else {
        if let last = lines.last, line.time < last.time { older += 1 }
        lines.append(line)
      }
      if !piece.isWhole {
        scars += 1
        // Behind another byte a separator may stand, too.
        damaged((piece.isOpen ? 0 : 1)...2)
      }
    }
  }

  private mutating func damaged(_ count: ClosedRange<Int>) {
    damagedBytes =
      (damagedBytes.lowerBound + count.lowerBound)...(damagedBytes.upperBound + count.upperBound)
  }

  // MARK: - The end

  private var noteOfNewest: Note? { note?.segment == segments.last ? note : nil }

  private mutating func end(of bytes: [UInt8], _ pieces: [SegmentPart]) -> Int {
    var start = pieces.last(where: \.isWhole)?.end ?? 0
    if let note = noteOfNewest {
      let offset = min(note.offset, bytes.count)
      let noted = pieces.filter { $0.place.lowerBound < offset }
      if offset == bytes.count || bytes[offset] == 0, isAll(below: note.next, noted) {
        if start > offset, !isAll(below: note.next, noted, fromFirst: true) {
          doubt = "a line stands behind the note's offset, and a number is missing long before"
        }
        return offset
      }
      start = max(start, offset, noted.last?.end ?? 0)
    }
    let open = pieces.first { $0.place.lowerBound >= start && $0.isOpen }
    return min(
      open?.place.lowerBound ?? bytes.count, bytes.firstIndex(of: 0, from: start) ?? bytes.count)
  }

  /// Whether the last number is the one before `next`, and whether none before is missing.
  private func isAll(below next: UInt64, _ pieces: [SegmentPart], fromFirst: Bool = false) -> Bool {
    var model = self
    model.takeNewest(pieces)
    return (model.numbers.last ?? 0) + 1 == next
      && (!fromFirst || model.numbers == Array((segments.first ?? 1)..<next))
  }

  /// What is behind the end.
  private mutating func takeOpen(_ bytes: [UInt8], _ pieces: [SegmentPart]) {
    defer { isUnfinished = bytes.countWithoutZeros > end }
    guard let first = pieces.first, first.place.lowerBound == end, let line = first.line else {
      return
    }
    guard line.number > lines.last?.number ?? 0 else { return }
    if let note = noteOfNewest, line.number < note.next {
      take([first], numbers(at: 0))
      end = first.place.upperBound
    } else {
      incomplete = line
    }
  }

  /// A writer reads the newest segment alone, and knows by its name which numbers were given before.
  private mutating func findNext(_ pieces: [SegmentPart], of bytes: [UInt8]) {
    guard let newest = segments.last else { return }
    var last = newest - 1
    var kept: UInt64 = 0
    for piece in pieces {
      let isEarly = !numbers(at: piece.place.lowerBound).contains(piece.line?.number ?? newest)
      if let line = piece.line, line.number > last, !isEarly {
        (last, kept) = (line.number, 0)
      } else {
        kept += UInt64(max(1, Self.beginnings(bytes, in: piece.place).count))
      }
    }
    next = last + 1
    if noteOfNewest == nil { next += kept }
    if let note { next = max(next, note.next) }
    if let incomplete { next = max(next, incomplete.number + 1) }
  }

  private mutating func findMissing() {
    guard let first = segments.first, let newest = segments.last else { return }
    let known = max((lines.last?.number ?? 0) + 1, newest, note?.next ?? 1)
    guard known > first else { return }
    missing = Set(first..<known).subtracting(numbers)
  }

  // MARK: - The note

  struct Note: Hashable {
    var segment: UInt64
    var offset: Int
    var next: UInt64

    /// Nil where it does not hold.
    init?(_ bytes: [UInt8]) {
      let words = bytes.prefix { $0 != LogModel.newline }.split(
        separator: 0x20, omittingEmptySubsequences: false)
      let texts = words.map { String(decoding: $0, as: UTF8.self) }
      guard texts.count == 11, texts[0] == "format", texts[1] == "1",
        texts[10] == LogModel.checksum(bytes[..<(words[10].startIndex - 1)]),
        texts[2] == Self.boot, let segment = UInt64(texts[3]), let offset = Int(texts[4]),
        let next = UInt64(texts[6]), next >= segment, next - segment <= UInt64(offset / 160)
      else { return nil }
      (self.segment, self.offset, self.next) = (segment, offset, next)
    }

    static let boot = String(
      decoding: (try? Files.read("/proc/sys/kernel/random/boot_id")) ?? [], as: UTF8.self
    ).prefix { $0 != "\n" }

    /// The bytes of a note of another boot, with the rest as it is.
    static func ofAnotherBoot(_ bytes: [UInt8]) -> [UInt8] {
      let text = String(decoding: bytes.prefix { $0 != LogModel.newline }, as: UTF8.self)
      var words = text.split(separator: " ", omittingEmptySubsequences: false).dropLast()
      guard words.count == 10 else { return [] }
      words[2] = "00000000-0000-4000-8000-000000000000"
      let changed = Array(words.joined(separator: " ").utf8)
      return changed + Array(" \(LogModel.checksum(changed[...]))\n".utf8)
    }
  }
}

extension LogModel {
  /// A line by the page, without its newline.
  static func make(_ number: UInt64, time: String, data: String = "{}") -> [UInt8] {
    let digits = String(10_000_000_000_000_000 + number).dropFirst()
    let id = String(repeating: "a", count: 32)
    let covered = Array(
      (#"{"seq":"\#(digits)","specversion":"1.0","id":"\#(id)","time":"\#(time)","#
        + #""source":"host/hand","type":"torture.line","data":\#(data)"#).utf8)
    return covered + Array(",\"crc32c\":\"\(checksum(covered[...]))\"}".utf8)
  }
}
