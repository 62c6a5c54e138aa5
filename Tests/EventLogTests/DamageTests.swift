import EventLog
import HomeFormat
import Posix
import TestSupport
import Testing

/// What a power cut, a bad disk or a stranger leaves behind.
@Suite struct DamageTests {
  let folder: TemporaryFolder
  let log: EventLog
  let newline = UInt8(ascii: "\n")

  init() throws {
    folder = try TemporaryFolder("damage")
    log = EventLog(folder: folder.path + "/events")
  }

  /// Five lines, and where each begins.
  func five() throws -> (bytes: [UInt8], starts: [Int]) {
    try log.append((1...5).map { Draft($0) })
    let bytes = try Files.read(log.first)
    let starts = [0] + bytes.indices.filter { bytes[$0] == newline }.map { $0 + 1 }
    return (bytes, starts)
  }

  /// Puts bytes in place without a sync: nothing here is about power cuts.
  func put(_ bytes: [UInt8], in name: String = "0000000000000001") throws {
    try File.open(log.folder + "/\(name).jsonl", .replace).write(bytes)
  }

  @Test func aTornTailIsCutAndNothingElse() throws {
    let (bytes, starts) = try five()
    var wrong: [Int] = []
    for cut in starts[2]...bytes.count {
      try put(Array(bytes[..<cut]))
      let whole = bytes[..<cut].count { $0 == newline }
      var reader = Reader(log)
      let before = try reader.rest()
      let line = try log.append(Draft(6))
      let after = try reader.rest()
      let left = try Files.read(log.first)
      let expected = bytes[..<starts[whole]] + (line?.bytes ?? []) + [newline]
      if before.map(\.sequence) != Array(1...UInt64(whole)) || after != [line].compactMap({ $0 })
        || line?.sequence != UInt64(whole) + 1 || reader.damage != []
        || left != Array(expected)
      {
        wrong.append(cut)
      }
    }
    #expect(wrong == [])
  }

  @Test func aTailOfZeros() throws {
    let (bytes, starts) = try five()
    for (cut, zeros) in [(starts[4], 1), (starts[4], 9000), (starts[4] + 40, 100_000), (0, 5000)] {
      try put(bytes[..<cut] + [UInt8](repeating: 0, count: zeros))
      let whole = UInt64(starts.filter { $0 <= cut }.count - 1)
      #expect(try log.all().lines.count == Int(whole))
      #expect(try log.append(Draft(6))?.sequence == whole + 1)
      let (lines, damage) = try log.all()
      #expect(lines.map(\.sequence) == Array(1...(whole + 1)) && damage == [])
    }
  }

  /// One bit of the third of five lines, at each of its bytes.
  @Test func aFlippedBitCostsItsLineOnly() throws {
    let (bytes, starts) = try five()
    var wrong: [Int] = []
    for place in starts[2]..<starts[3] {
      var flipped = bytes
      flipped[place] ^= 1 << (place % 8)
      try put(flipped)
      let (lines, damage) = try log.all()
      // Without its newline it takes the next line with it.
      let lost = place == starts[3] - 1 ? 2...3 : 2...2
      // A bit may make a newline: then there are two damaged parts.
      let length = damage.reduce(0) { $0 + $1.length }
      let numbers = (0..<5).filter { !lost.contains($0) }.map { UInt64($0) + 1 }
      if lines.map(\.sequence) != numbers || damage.first?.offset != starts[2]
        || length != starts[lost.upperBound + 1] - starts[2]
        || damage.contains(where: { $0.path != log.first })
      {
        wrong.append(place)
      }
    }
    #expect(wrong == [])
    #expect(try log.append(Draft(6))?.sequence == 6)
  }

  /// Numbers once given out are not given again, however little is left of their lines.
  @Test func damagedNumbersAreNotGivenTwice() throws {
    let (bytes, starts) = try five()
    var wrong: [Int] = []
    // The last newline is another matter: without it the line is torn.
    for place in (starts[3] - 1)..<(bytes.count - 1) {
      var flipped = bytes
      flipped[place] ^= 0x80
      try put(flipped)
      let line = try log.append(Draft(6))
      let kept = try Files.read(log.first).starts(with: flipped)
      if line?.sequence != 6 || !kept { wrong.append(place) }
    }
    #expect(wrong == [])
    // Not one whole line is left in the segment.
    var none = bytes
    for start in starts.dropLast() { none[start] = 0 }
    for name in ["0000000000000001", "0000000000000007"] {
      try put(none, in: name)
      let next = try #require(UInt64(name)) + 5
      #expect(try log.append(Draft(6))?.sequence == next)
      #expect(try Files.read("\(log.folder)/\(name).jsonl").starts(with: none))
    }
    #expect(try log.all().lines.map(\.sequence) == [6, 12])
  }

  @Test func aClosedSegmentWithATornTail() throws {
    let (bytes, _) = try five()
    try put(bytes + Array("{\"seq\":\"00000".utf8))
    try put(handMade(6, time: "2026-11-21T07:05:09.042Z"), in: "0000000000000006")
    for limit in [1, 100, 4 << 20] {
      let (lines, damage) = try log.all(limit: limit)
      #expect(lines.map(\.sequence) == Array(1...6))
      #expect(damage.map { [$0.offset, $0.length] } == [[bytes.count, 13]])
    }
    let long = [UInt8](repeating: 120, count: 2 << 20)
    try put(bytes + long)
    let (lines, damage) = try log.all()
    #expect(lines.map(\.sequence) == Array(1...6))
    #expect(damage.map { [$0.offset, $0.length] } == [[bytes.count, long.count]])
  }

  @Test func hostileLines() throws {
    let time = "2026-11-21T07:05:09.042Z"
    let good = handMade(1, time: time)
    let odd = handMade(2, time: time, data: [0xFF, 0xFE, 0, 0x1B])
    let last = handMade(3, time: time)
    let cases: [[UInt8]] = [
      [newline],
      [newline, newline, newline],
      Array("{\"seq\":\"0000000000000003\"}\n".utf8),
      Array("{}\n".utf8) + [0, 0, 0, newline],
      [0xFF, 0xC0, 0x80, newline],
      good.dropLast(24) + Array("}\n".utf8),
      handMade(0, time: time),
      handMade(2, time: time),
      handMade(1, time: time),
      handMade(9, time: "yesterday, at about half"),
      [0] + last,
      [UInt8](repeating: 120, count: 2 << 20) + [newline],
      Array("{\"seq\":\"".utf8) + [UInt8](repeating: 48, count: 3000) + [newline],
    ]
    for (index, bytes) in cases.enumerated() {
      try Files.makeFolder(log.folder)
      try put(good + odd + bytes + last)
      for limit in [64, 4 << 20] {
        let (lines, damage) = try log.all(limit: limit)
        #expect(lines.map(\.sequence) == [1, 2, 3], "case \(index)")
        #expect(damage.first?.offset == good.count + odd.count, "case \(index)")
        #expect(damage.reduce(0) { $0 + $1.length } == bytes.count, "case \(index)")
      }
      #expect(try log.append(Draft(4))?.sequence == 4, "case \(index)")
    }
  }
}

@Suite struct RewritingTests {
  let folder: TemporaryFolder
  let log: EventLog

  init() throws {
    folder = try TemporaryFolder("rewriting")
    log = EventLog(folder: folder.path + "/events", segmentLimit: 600)
  }

  func readSome() throws -> Reader {
    try log.append((1...3).map { Draft($0) })
    var reader = Reader(log)
    #expect(try reader.rest().count == 3)
    return reader
  }

  /// What is done to a log of which three lines were read.
  @Test func aRewrittenHistoryIsNoticed() throws {
    let time = "2026-11-21T07:05:09.042Z"
    let other = (1...9).flatMap { handMade($0, time: time) }
    let changes: [(String, (EventLog) throws -> Void)] = [
      ("cut", { try Files.replace($0.first, with: try Files.read($0.first).dropLast(5)) }),
      ("emptied", { try Files.replace($0.first, with: []) }),
      ("removed", { try Files.remove($0.first) }),
      ("gone", { try Files.remove($0.folder) }),
      ("longer", { try Files.replace($0.first, with: other) }),
      (
        "of equal length",
        { log in
          let bytes = try Files.read(log.first)
          try Files.remove(log.folder)
          try log.append((1...3).map { Draft($0) })
          #expect(try Files.read(log.first).count == bytes.count)
        }
      ),
      (
        "begun anew further on",
        { log in
          try Files.remove(log.first)
          try Files.replace(
            log.folder + "/0000000000000008.jsonl", with: handMade(8, time: time))
        }
      ),
    ]
    for (name, change) in changes {
      var reader = try readSome()
      try change(log)
      #expect(throws: EventLogError.rewritten(after: 3), "\(name)") { try reader.next() }
      try Files.remove(log.folder)
    }
  }

  /// Old segments may go once they were read.
  @Test func whatWasReadMayGo() throws {
    var reader = try readSome()
    try log.append(Draft(4))
    try Files.remove(log.first)
    #expect(try reader.rest().map(\.sequence) == [4])
    #expect(try log.append(Draft(5))?.sequence == 5)
    #expect(try log.all().lines.map(\.sequence) == [4, 5])
  }
}
