import Posix
import Testing

/// The model itself, held against what a reader of docs/reference/event-log.md works out by hand.
@Suite struct TortureOfTheModel {
  struct Case: CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    /// Where the note says that the log ends, and its next number; nil without a note that holds.
    var note: (offset: Int, next: UInt64)?
    var numbers: [UInt64]
    var missing: Set<UInt64> = []
    var scars = 0
    var next: UInt64
    var isUnfinished = false

    init(
      _ name: String, _ bytes: [UInt8], note: (offset: Int, next: UInt64)? = nil,
      _ numbers: [UInt64], missing: Set<UInt64> = [], scars: Int = 0, next: UInt64,
      isUnfinished: Bool = false
    ) {
      (testDescription, self.bytes, self.note, self.numbers) = (name, bytes, note, numbers)
      (self.missing, self.scars, self.next) = (missing, scars, next)
      self.isUnfinished = isUnfinished
    }
  }

  static func lines(_ numbers: UInt64...) -> [UInt8] {
    numbers.flatMap { LogModel.make($0, time: "2026-11-21T07:05:09.042Z") + [10] }
  }

  static let length = lines(1).count
  static let room = [UInt8](repeating: 0, count: 400)
  static let lost = [UInt8](repeating: 0, count: length)
  static let whole = (offset: 5 * length, next: UInt64(6))

  static func cut(_ bytes: [UInt8], _ count: Int) -> [UInt8] { Array(bytes.dropLast(count)) }
  static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  static let cases: [Case] = [
    Case("nothing", [], [], next: 1),
    Case("room alone", room, [], next: 1),
    Case("five", lines(1, 2, 3, 4, 5) + room, [1, 2, 3, 4, 5], next: 6),
    Case("five without room", lines(1, 2, 3, 4, 5), note: whole, [1, 2, 3, 4, 5], next: 6),
    Case(
      "the third zeroed", lines(1, 2) + lost + lines(4, 5) + room, [1, 2, 4, 5], missing: [3],
      next: 6),
    Case(
      "the last zeroed, with a note", lines(1, 2, 3, 4) + lost + room, note: whole, [1, 2, 3, 4],
      missing: [5], next: 6),
    Case(
      "the last zeroed, without a note", lines(1, 2, 3, 4) + lost + room, [1, 2, 3, 4], next: 5),
    Case(
      "the last two zeroed, with a note", lines(1, 2, 3) + lost + lost + room, note: whole,
      [1, 2, 3], missing: [4, 5], next: 6),
    Case(
      "another byte for the last newline", cut(lines(1, 2), 1) + text("x") + room, [1, 2], scars: 1,
      next: 3),
    Case(
      "a NUL for the last newline, with a note", cut(lines(1, 2), 1) + room,
      note: (2 * length, 3), [1, 2], scars: 1, next: 3),
    Case(
      "a NUL for the last newline, without a note", cut(lines(1, 2), 1) + room, [1], next: 3,
      isUnfinished: true),
    Case(
      "cut in the last line, with a note", cut(lines(1, 2, 3, 4, 5), 40), note: whole,
      [1, 2, 3, 4], missing: [5], scars: 1, next: 6),
    Case(
      "cut in the last line, without a note", cut(lines(1, 2, 3, 4, 5), 40), [1, 2, 3, 4], next: 5,
      isUnfinished: true),
    Case(
      "cut before the last newline, with a note", cut(lines(1, 2), 1), note: (2 * length, 3),
      [1, 2], scars: 1, next: 3),
    Case(
      "a newline between two lost", cut(lines(1), 1) + text("x") + lines(2) + room, [1, 2],
      scars: 1,
      next: 3),
    Case("a byte put in", lines(1) + text("x") + lines(2), [1, 2], scars: 1, next: 3),
    Case("blanks and newlines", lines(1) + text("   \n\n \n") + lines(2), [1, 2], next: 3),
    Case("NULs between lines", lines(1) + [0, 0, 0] + lines(2), [1, 2], next: 3),
    Case(
      "blanks without a newline", lines(1) + text("  ") + room, [1], next: 2, isUnfinished: true),
    Case(
      "blanks before NULs before a line", lines(1) + text("  ") + [0] + lines(2), [1, 2], scars: 1,
      next: 3),
    Case(
      "scraps behind a hole", lines(1) + lost + text("rest\n") + room, [1], next: 2,
      isUnfinished: true),
    Case(
      "scraps behind a hole before a line", lines(1) + lost + text("rest\n") + lines(3) + room,
      [1, 3], missing: [2], scars: 1, next: 4),
    Case(
      "damage at the end keeps a number", lines(1) + text("rest\n") + room, [1], scars: 1, next: 3),
    Case(
      "damage at the end keeps as many numbers as lines begin",
      lines(1)
        + text(
          #"{"seq":"2{"seq":"3"# + "\n") + room, [1], scars: 1, next: 4),
    Case(
      "with a note it keeps none", lines(1) + text("rest\n") + room, note: (length + 5, 2), [1],
      scars: 1, next: 2),
    Case("a number again", lines(1, 2, 2, 3), [1, 2, 3], next: 4),
    Case("a number ahead", lines(1, 4, 2, 3, 5), [1, 4, 5], missing: [2, 3], next: 6),
    Case(
      "a note of too many numbers", lines(1) + room, note: (length, 4), [1], next: 2),
  ]

  @Test(arguments: cases) func itsAnswer(_ given: Case) {
    let note = given.note.map { LogModel.Note.make(segment: 1, offset: $0.offset, next: $0.next) }
    let model = LogModel([1: given.bytes], lock: note ?? [])
    #expect(model.numbers == given.numbers)
    #expect(model.missing == given.missing)
    #expect(model.scars == given.scars)
    #expect(model.next == given.next)
    #expect(model.isUnfinished == given.isUnfinished)
    #expect(model.doubt == nil)
  }

  @Test func segments() {
    let note = LogModel.Note.make(segment: 6, offset: 5 * Self.length, next: 11)
    let first = Self.lines(1, 2, 3, 4, 5)
    func model(_ contents: [UInt64: [UInt8]]) -> LogModel { LogModel(contents, lock: note) }
    let gone = model([1: first])
    #expect(gone.missing == [6, 7, 8, 9, 10] && gone.next == 11)
    let torn = model([1: Self.cut(first, 30), 6: Self.lines(6, 7, 8, 9, 10)])
    #expect(torn.missing == [5] && torn.scars == 1 && torn.next == 11)
    let named = LogModel([1: Self.cut(first, 2 * Self.length), 6: Self.room])
    #expect(named.missing == [4, 5] && named.scars == 0 && named.next == 6)
    let ahead = LogModel([1: first + Self.lines(9), 6: Self.lines(6)])
    #expect(ahead.numbers == [1, 2, 3, 4, 5, 6] && ahead.repeated == 1 && ahead.doubt == nil)
  }

  @Test func notesThatDoNotHold() {
    let note = LogModel.Note.make(segment: 1, offset: 800, next: 6)
    #expect(LogModel.Note(note) != nil)
    #expect(LogModel.Note(LogModel.Note.ofAnotherBoot(note)) == nil)
    for place in note.indices.dropLast() {
      var changed = note
      changed[place] ^= 1
      #expect(LogModel.Note(changed) == nil, "\(place)")
    }
    #expect(LogModel.Note(LogModel.Note.make(segment: 1, offset: 799, next: 6)) == nil)
  }

  /// Each byte of a line counts.
  @Test func aLineIsWholeOrNone() {
    let line = Self.cut(Self.lines(7), 1)
    #expect(LogModel.line(line, line.indices)?.number == 7)
    for place in line.indices {
      var changed = line
      changed[place] ^= 4
      #expect(LogModel.line(changed, changed.indices) == nil, "\(place)")
    }
    for time in [
      "2026-02-29T07:05:09.042Z", "2026-11-21T24:05:09.042Z", "2026-11-21T07:05:09,042Z",
    ] {
      let line = LogModel.make(7, time: time)
      #expect(LogModel.line(line, line.indices) == nil, "\(time)")
    }
    let zeroth = LogModel.make(0, time: "2026-11-21T07:05:09.042Z")
    #expect(LogModel.line(zeroth, zeroth.indices) == nil)
    let long = String(repeating: "x", count: LogModel.longest - line.count)
    for (pad, isLine) in [(long, false), (String(long.dropLast()), true)] {
      let line = LogModel.make(7, time: "2026-11-21T07:05:09.042Z", data: "{\(pad)}")
      #expect((LogModel.line(line, line.indices) != nil) == isLine)
    }
  }

  /// The check value of the standard.
  @Test func theChecksum() { #expect(LogModel.checksum(Self.text("123456789")[...]) == "e3069283") }
}

extension LogModel.Note {
  /// A note of this boot by the page.
  static func make(segment: UInt64, offset: Int, next: UInt64) -> [UInt8] {
    let covered = Array("format 1 \(boot) \(segment) \(offset) 2000 \(next) 0 0 00".utf8)
    return covered + Array(" \(LogModel.checksum(covered[...]))\n".utf8)
  }
}
