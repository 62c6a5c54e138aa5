import EventLog
import HomeLayout
import Posix
import TestSupport
import Testing

/// What a power cut, a bad disk or a stranger leaves behind.
@Suite struct DamageTests {
  let folder: TemporaryFolder
  let log: DurableLog
  let newline = UInt8(ascii: "\n")

  init() throws {
    (folder, log) = try DurableLog.temporary("damage", segmentSize: 4096, inMemory: true)
  }

  /// Five lines, and where each begins.
  func five() throws -> (bytes: [UInt8], starts: [Int]) {
    try log.append((1...5).map { NewEvent($0) })
    let bytes = try log.written()
    let starts = [0] + bytes.indices.filter { bytes[$0] == newline }.map { $0 + 1 }
    return (bytes, starts)
  }

  /// Puts bytes in place without a sync: nothing here is about power cuts.
  func put(_ bytes: [UInt8], in name: String = "0000000000000001") throws {
    try File.open(log.folder + "/\(name).jsonl", .replace).write(bytes)
  }

  /// Whether the file was cut, or is as long as before with zeros for what is missing.
  @Test(arguments: [0, 4096]) func aTornTailIsSetAsideAndNothingElse(size: Int) throws {
    let (bytes, starts) = try five()
    var wrong: [Int] = []
    for cut in starts[2]...bytes.count {
      try put(bytes[..<cut] + [UInt8](repeating: 0, count: max(0, size - cut)))
      try forgetNote()
      var whole = bytes[..<cut].count { $0 == newline }
      var torn = Array(bytes[starts[whole]..<cut])
      var reader = Reader(log)
      let before = try reader.rest()
      let note = try log.verify()
      let line = try log.append(NewEvent(6))
      var after = try reader.rest()
      // With its newline back it is whole.
      if cut < bytes.count, bytes[cut] == newline {
        whole += 1
        if after.removeFirst().sequence != UInt64(whole) { wrong.append(cut) }
      }
      var left = try log.written()
      if size == 0 { left += try log.written(whole + 1) }
      let expected = bytes[..<starts[whole]] + (line?.bytes ?? []) + [newline]
      let aside = try asides()
      if note.unfinished?.length ?? 0 != torn.count { wrong.append(cut) }
      if starts[whole] > cut { torn = [] }
      if before.count != bytes[..<cut].count(where: { $0 == newline })
        || after != [line].compactMap({ $0 })
        || line?.sequence != UInt64(whole) + 1 || reader.damage != [] || note.damage != []
        || left != Array(expected) || (torn.isEmpty ? !aside.isEmpty : aside != [torn])
      {
        wrong.append(cut)
      }
      try Files.remove(log.folder)
      try Files.makeFolder(log.folder)
    }
    #expect(wrong == [])
  }

  /// As it is after the host was booted anew: nothing tells how far the log was written.
  func forgetNote() throws { try Files.remove(log.folder + "/.lock") }

  /// The bytes that were set aside, one entry a file.
  func asides() throws -> [[UInt8]] {
    let folder = log.folder + "/aside"
    guard Files.isFolder(folder) else { return [] }
    return try Files.list(folder).map { name in
      let content = try Files.read(folder + "/" + name)
      let head = try #require(content.firstIndex(of: newline))
      return Array(content[(head + 1)...].dropLast())
    }
  }

  @Test func aTailOfZeros() throws {
    let (bytes, starts) = try five()
    for (cut, zeros) in [(starts[4], 1), (starts[4], 9000), (starts[4] + 40, 100_000), (0, 5000)] {
      try put(bytes[..<cut] + [UInt8](repeating: 0, count: zeros))
      if Files.exists(log.folder + "/.lock") { try forgetNote() }
      let whole = UInt64(starts.filter { $0 <= cut }.count - 1)
      #expect(try log.all().lines.count == Int(whole))
      #expect(try log.append(NewEvent(6))?.sequence == whole + 1)
      let (lines, damage) = try log.all()
      #expect(lines.map(\.sequence) == Array(1...(whole + 1)) && damage == [])
      try Files.remove(log.folder)
      try Files.makeFolder(log.folder)
    }
  }

  /// After a power cut a block may be missing in the middle: what is behind it counts where it is whole.
  @Test func aHole() throws {
    let (bytes, starts) = try five()
    func punched(_ range: Range<Int>, upTo end: Int) -> [UInt8] {
      var bytes = Array(bytes[..<end])
      for place in range { bytes[place] = 0 }
      return bytes + [UInt8](repeating: 0, count: 4096 - bytes.count)
    }
    let (middle, end) = (starts[2] + 30, bytes.count)
    let cases: [(hole: Range<Int>, upTo: Int, numbers: [UInt64], next: UInt64)] = [
      (starts[2]..<starts[3], end, [1, 2, 4, 5], 6),
      (starts[2]..<starts[4], end, [1, 2, 5], 6),
      (starts[0]..<starts[4], end, [5], 6),
      (middle..<starts[3], end, [1, 2, 4, 5], 6),
      (starts[2]..<(starts[3] + 9), end, [1, 2, 5], 6),
      // Nothing whole is behind it: none of that was acknowledged.
      (starts[2]..<starts[3], starts[4] - 9, [1, 2], 3),
      (starts[2]..<(starts[3] + 9), starts[4], [1, 2], 3),
      (starts[0]..<(starts[4] + 9), end, [], 1),
    ]
    for (index, (hole, upTo, numbers, next)) in cases.enumerated() {
      try Files.remove(log.folder)
      try Files.makeFolder(log.folder)
      try put(punched(hole, upTo: upTo))
      #expect(try log.append(NewEvent(6))?.sequence == next, "case \(index)")
      #expect(try log.all().lines.map(\.sequence) == numbers + [next], "case \(index)")
      let missing = try log.verify().damage.filter(\.isMissing)
      #expect(missing.isEmpty == (numbers == Array(1..<next)), "case \(index)")
    }
  }

  /// One bit of the third of five lines, at each of its bytes: named, the rest readable, and after a repair all well.
  @Test func aFlippedBitCostsItsLineOnly() throws {
    let (bytes, starts) = try five()
    var wrong: [Int] = []
    for place in starts[2]..<starts[3] {
      var flipped = bytes
      flipped[place] ^= 1 << (place % 8)
      try put(flipped + [UInt8](repeating: 0, count: 4096 - flipped.count))
      var follower = Reader(log)
      let lines = try follower.rest()
      let damage = follower.damage
      if place == starts[3] - 1 {
        // Only the newline is another byte: the line counts.
        let named = Damage(path: log.first, offset: place, length: 1, kind: .unended(3))
        let repair = try log.repair()
        let healed = try log.written() == bytes && log.verify().damage == []
        if lines.count != 5 || damage != [named] || repair.restored != [3] || !healed {
          wrong.append(place)
        }
        try Files.remove(log.folder)
        try Files.makeFolder(log.folder)
        continue
      }
      let unreadable = damage.filter { $0.kind == .unreadable }
      // A bit may make a newline: then there are two damaged parts.
      let length = unreadable.reduce(0) { $0 + $1.length }
      let repair = try log.repair()
      let (repaired, left) = try log.all()
      let aside = try asides().flatMap { $0 }
      if lines.map(\.sequence) != [1, 2, 4, 5] || length != starts[3] - starts[2]
        || unreadable.first?.offset != starts[2] || damage.count != unreadable.count + 1
        || damage.last?.kind != .missing(3...3) || damage.contains(where: { $0.path != log.first })
        || repaired.map(\.sequence) != [1, 2, 4, 5] || repair.restored != []
        || left.map(\.isMissing) != [true] || aside != Array(flipped[starts[2]..<starts[3]])
      {
        wrong.append(place)
      }
      // No line has moved, so a reader behind the damage goes on.
      let next = try log.append(NewEvent(6))
      let seen = try follower.rest()
      if next?.sequence != 6 || seen != [next].compactMap({ $0 }) { wrong.append(place) }
      try Files.remove(log.folder)
      try Files.makeFolder(log.folder)
    }
    #expect(wrong == [])
  }

  /// Numbers once given out are not given again, however little is left of their lines.
  @Test func damagedNumbersAreNotGivenTwice() throws {
    let (bytes, starts) = try five()
    var wrong: [Int] = []
    for place in (starts[3] - 1)..<bytes.count {
      var flipped = bytes
      flipped[place] ^= 0x80
      try put(flipped)
      if place.isMultiple(of: 2) { try forgetNote() }
      // A newline is given back.
      if bytes[place] == newline { flipped[place] = newline }
      let line = try log.append(NewEvent(6))
      let kept = try Files.read(log.first).starts(with: flipped)
      if line?.sequence != 6 || !kept { wrong.append(place) }
      try Files.remove(log.folder)
      try Files.makeFolder(log.folder)
    }
    #expect(wrong == [])
    // Not one whole line is left in the segment.
    var none = bytes
    for start in starts.dropLast() { none[start] = 1 }
    for name in ["0000000000000001", "0000000000000007"] {
      try put(none, in: name)
      let next = try #require(UInt64(name)) + 5
      #expect(try log.append(NewEvent(6))?.sequence == next)
      #expect(try Files.read("\(log.folder)/\(name).jsonl").starts(with: none))
    }
    #expect(try log.all().lines.map(\.sequence) == [6, 12])
  }

  @Test func aClosedSegmentWithATornTail() throws {
    let (bytes, starts) = try five()
    let torn = Array("{\"seq\":\"00000".utf8)
    try put(bytes + torn)
    try put(handMade(6, time: "2999-11-21T07:05:09.042Z"), in: "0000000000000006")
    for limit in [1, 100, 4 << 20] {
      let (lines, damage) = try log.all(limit: limit)
      #expect(lines.map(\.sequence) == Array(1...6))
      #expect(
        damage == [Damage(path: log.first, offset: bytes.count, length: 13, kind: .unfinished)])
    }
    #expect(try log.repair().taken.map(\.length) == [13])
    #expect(try log.all().damage == [] && asides() == [torn])
    let long = [UInt8](repeating: 120, count: 2 << 20)
    try put(bytes + long)
    let (lines, damage) = try log.all()
    #expect(lines.map(\.sequence) == Array(1...6))
    #expect(damage.first?.offset == bytes.count)
    #expect(damage.reduce(0) { $0 + $1.length } == long.count)
    // Only the last newline is gone.
    try put(Array(bytes.dropLast()))
    #expect(try log.all().lines.map(\.sequence) == Array(1...6))
    #expect(try log.all().damage.map(\.kind) == [.unended(5)])
    #expect(try log.repair().restored == [5])
    #expect(try log.all().damage == [])
    #expect(try log.written() == bytes && starts.count == 6)
  }

  /// A writer that was killed between beginning a segment and cutting the one before.
  @Test func roomInAClosedSegment() throws {
    let (bytes, _) = try five()
    try put(bytes + [UInt8](repeating: 0, count: 100_000))
    try put([UInt8](repeating: 0, count: 4096), in: "0000000000000006")
    try Files.remove(log.folder + "/.lock")
    #expect(try log.append(NewEvent(6))?.sequence == 6)
    #expect(try log.written(6).isEmpty == false)
    let (lines, damage) = try log.all(limit: 1000)
    #expect(lines.map(\.sequence) == Array(1...6) && damage == [])
    #expect(try log.verify().damage == [] && log.repair().taken == [])
  }

  @Test func hostileLines() throws {
    let time = "2026-11-21T07:05:09.042Z"
    let good = handMade(1, time: time)
    let odd = handMade(2, time: time, data: [0xFF, 0xFE, 0x1B])
    let last = handMade(3, time: time)
    let cases: [(bytes: [UInt8], damaged: Int)] = [
      ([newline], 0),
      (Array("   \n\n  \n".utf8), 0),
      ([0, 0, newline], 0),
      (Array("{\"seq\":\"0000000000000003\"}\n".utf8), 27),
      (Array("{}\n".utf8) + [0, 0, 1, newline], 5),
      ([0xFF, 0xC0, 0x80, newline], 4),
      (good.dropLast(24) + Array("}\n".utf8), good.count - 22),
      (handMade(0, time: time), good.count),
      (handMade(2, time: time), good.count),
      (handMade(1, time: time), good.count),
      (handMade(9, time: "yesterday, at about half"), good.count),
      ([UInt8](repeating: 120, count: 10 << 20) + [newline], 10 << 20 + 1),
      ([UInt8](repeating: UInt8(ascii: "{"), count: 3000) + [newline], 3001),
      (Array(repeating: Array("{\"seq\":\"".utf8), count: 3000).flatMap { $0 } + [newline], 24_001),
      (Array("{\"seq\":\"".utf8) + [UInt8](repeating: 48, count: 3000) + [newline], 3009),
    ]
    for (index, (bytes, damaged)) in cases.enumerated() {
      try Files.remove(log.folder)
      try Files.makeFolder(log.folder)
      try put(good + odd + bytes + last)
      try put(handMade(4, time: time), in: "0000000000000004")
      for limit in [64, 4 << 20] {
        let (lines, damage) = try log.all(limit: limit)
        #expect(lines.map(\.sequence) == [1, 2, 3, 4], "case \(index)")
        #expect(damage.reduce(0) { $0 + $1.length } == damaged, "case \(index)")
        #expect(damage.allSatisfy { $0.offset >= good.count + odd.count }, "case \(index)")
      }
      #expect(try log.append(NewEvent(5))?.sequence == 5, "case \(index)")
      let repair = try log.repair()
      #expect(try log.all().lines.map(\.sequence) == [1, 2, 3, 4, 5], "case \(index)")
      #expect((repair.aside == nil) == repair.taken.isEmpty, "case \(index)")
      // What is left is whole lines that were there before: a repair does not judge them.
      let rest = try log.verify().damage
      #expect(rest.isEmpty == (damaged == 0 || !repair.taken.isEmpty), "case \(index): \(rest)")
    }
  }
}

@Suite struct RewritingTests {
  let folder: TemporaryFolder
  let log: DurableLog

  init() throws {
    (folder, log) = try DurableLog.temporary("rewriting", segmentSize: 700)
  }

  func readSome() throws -> Reader {
    try log.append((1...3).map { NewEvent($0) })
    var reader = Reader(log)
    #expect(try reader.rest().count == 3)
    return reader
  }

  /// What is done to a log of which three lines were read.
  @Test func aRewrittenHistoryIsNoticed() throws {
    let time = "2026-11-21T07:05:09.042Z"
    let other = (1...9).flatMap { handMade($0, time: time) }
    let changes: [(String, (DurableLog) throws -> Void)] = [
      ("cut", { try Files.replace($0.first, with: try $0.written().dropLast(5)) }),
      ("emptied", { try Files.replace($0.first, with: []) }),
      ("removed", { try Files.remove($0.first) }),
      ("gone", { try Files.remove($0.folder) }),
      ("longer", { try Files.replace($0.first, with: other) }),
      (
        "of equal length",
        { log in
          let bytes = try Files.read(log.first)
          try Files.remove(log.folder)
          try log.append((1...3).map { NewEvent($0) })
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
    try log.append(NewEvent(4))
    try Files.remove(log.first)
    #expect(try reader.rest().map(\.sequence) == [4])
    #expect(try log.append(NewEvent(5))?.sequence == 5)
    #expect(try log.all().lines.map(\.sequence) == [4, 5])
  }
}
