import EventLog
import Posix
import TestSupport
import Testing

/// A bit that is wrong, wherever it may be.
@Suite struct TortureByBits {
  /// The bytes of two segments of five lines each.
  private func ten(_ rack: Rack) throws -> [[UInt8]] {
    let log = DurableLog(folder: rack.log.folder, segmentSize: 1100)
    for number in 1...10 { try log.append(Rack.event("\(number % 10)")) }
    let segments = try log.segments().map { try Files.read(path(rack, $0)) }
    #expect(segments.count == 2)
    return segments
  }

  private func path(_ rack: Rack, _ segment: UInt64) -> String {
    let digits = String(segment)
    return rack.log.folder + "/" + String(repeating: "0", count: 16 - digits.count) + digits
      + ".jsonl"
  }

  /// At each byte in the long form. Never a trap; the other lines are read, the damage is named, no number is given twice, and after a repair no
  /// more than one number is missing.
  @Test func oneBitAnywhere() throws {
    let rack = try Rack("bits")
    let segments = try ten(rack)
    let names = try rack.log.segments()
    var random = Scramble(1)
    var wrong: [String] = []
    for (index, bytes) in segments.enumerated() {
      for place in stride(from: index, to: bytes.count, by: Torture.isLong ? 1 : 11) {
        var flipped = bytes
        flipped[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        try Files.remove(rack.log.folder)
        try Files.makeFolder(rack.log.folder)
        for (other, content) in segments.enumerated() {
          try File.open(path(rack, names[other]), .create).write(
            other == index ? flipped : content)
        }
        let isLine = place < bytes.countWithoutZeros
        if let fault = try fault(rack, isLine: isLine) {
          wrong.append("\(index) \(place): \(fault)")
        }
      }
    }
    #expect(wrong.count == 0, "\(wrong.prefix(5))")
  }

  private func fault(_ rack: Rack, isLine: Bool) throws -> String? {
    // Products begin larger segments; here they stay as small as they are.
    let log = DurableLog(folder: rack.log.folder, segmentSize: 1100)
    var before: [UInt64] = []
    let named = try log.verify { before.append($0.sequence) }
    if before.count < (isLine ? 9 : 10) || before != before.sorted() { return "read \(before)" }
    if named.damage.isEmpty && named.unfinished == nil { return "not named" }
    if try log.append(Rack.event("next"))?.sequence != 11 { return "a number was given twice" }
    _ = try log.repair()
    if try log.append(Rack.event("last"))?.sequence != 12 { return "a number was given twice" }
    var after: [UInt64] = []
    let left = try log.verify { after.append($0.sequence) }
    if after.count < before.count + 2 { return "lost \(after)" }
    if left.damage.count > 1 || left.damage.contains(where: { !$0.isMissing }) {
      return "\(left.damage)"
    }
    return left.unfinished == nil ? nil : "unfinished"
  }

  /// The last line's place is taken by a repair; its number is not.
  @Test func aRepairGivesNoNumberTwice() throws {
    for place in [3, 90, 150] {
      let rack = try Rack("repair")
      let log = rack.log
      try log.append((1...5).map { Rack.event("\($0)") })
      let path = path(rack, 1)
      var bytes = try Files.read(path)
      bytes[bytes.countWithoutZeros - place] ^= 4
      try Files.replace(path, with: bytes)
      #expect(try log.repair().taken.count == 1)
      #expect(try log.append(Rack.event("6"))?.sequence == 6)
      #expect(try log.verify().damage.map(\.kind) == [.missing(5...5)])
    }
  }

  /// The line was acknowledged; only the byte behind it is wrong.
  @Test func anotherByteForTheLastNewline() throws {
    for bit in 0..<8 {
      let rack = try Rack("newline")
      try rack.log.append((1...5).map { Rack.event("\($0)") })
      let path = path(rack, 1)
      let end = try Files.read(path).countWithoutZeros
      let byte = UInt8(ascii: "\n") ^ 1 << bit
      try File.open(path, .change).write([byte], at: end - 1)
      #expect(try rack.log.verify().damage.map(\.kind) == [.unended(5)])
      #expect(try rack.log.append(Rack.event("6"))?.sequence == 6)
      try rack.check([5: "5", 6: "6"], mayBeUnfinished: false)
    }
  }

  /// A reader that looks on while a writer has died within a line gets all that comes after.
  @Test func aReaderBeforeATornLine() throws {
    let rack = try Rack("torn")
    try rack.log.append((1...5).map { Rack.event("\($0)") })
    var reader = Reader(rack.log)
    #expect(try reader.next().count == 5)
    let path = path(rack, 1)
    for torn in [#"{"seq":"0000"#, String(repeating: "x", count: 200_000)] {
      let end = try Files.read(path).countWithoutZeros
      try File.open(path, .change).write(Array(torn.utf8), at: end)
      #expect(try reader.next() == [] && reader.damage == [])
      let line = try rack.log.append(Rack.event("\(torn.prefix(1))-next"))
      #expect(try reader.next() == [line] && reader.damage == [])
    }
  }

  /// Names and notes that none of our programs has written.
  @Test func hostileNumbers() throws {
    let rack = try Rack("hostile")
    let log = rack.log
    try log.append(Rack.event("1"))
    let note = String(decoding: try Files.read(log.folder + "/.lock"), as: UTF8.self)
    let words = note.split(whereSeparator: { " \n".contains($0) }).map(String.init)
    for (index, word) in [
      (6, "5"), (3, "18446744073709551615"), (4, "9223372036854775807"), (4, "-1"),
      (5, "9223372036854775807"),
      (6, "18446744073709551615"), (7, "9223372036854775807"), (9, ""),
    ] {
      var changed = words
      changed[index] = word
      let text = changed.dropLast().joined(separator: " ")
      let sum = Hex.encode(CRC32C.bytes(text.utf8))
      try Files.replace(log.folder + "/.lock", with: Array("\(text) \(sum)\n".utf8))
      let before = try log.verify().lines
      try log.append(Rack.event("\(index) \(word)"))
      let after = try log.verify()
      #expect(after.lines == before + 1 && after.damage == [], "\(index) \(word)")
    }
    for name in ["9999999999999999", "1000000000000000"] {
      try Files.replace("\(log.folder)/\(name).jsonl", with: [])
    }
    let line = try log.append(Rack.event("last"))
    #expect(try log.lastLine() == line)
    try Files.replace("\(log.folder)/0999999999999999.jsonl", with: [])
    try log.append(Rack.event("the very last"))
    #expect(throws: EventLogError.self) { try log.append(Rack.event("too many")) }
  }
}
