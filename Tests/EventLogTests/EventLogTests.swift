import EventLog
import FoundationEssentials
import Glibc
import HomeLayout
import Posix
import TestSupport
import Testing

@Suite struct EventLogTests {
  let folder: TemporaryFolder
  let log: DurableLog

  init() throws {
    (folder, log) = try DurableLog.temporary("log", segmentSize: 1000)
  }

  @Test func acrossSegments() throws {
    #expect(try log.all().lines == [])
    var written: [Line] = []
    for number in 0..<20 {
      written += try log.append((0...number % 4).map { NewEvent(number * 10 + $0) })
    }
    #expect(try log.append([NewEvent]()) == [])
    #expect(written.map(\.sequence) == Array(1...50))
    for limit in [1, 300, 1000, 4 << 20] {
      let (lines, damage) = try log.all(limit: limit)
      #expect(lines == written && damage == [], "\(limit) bytes at a time")
    }
    let names = try Files.list(log.folder).filter { !$0.hasPrefix(".") }
    #expect(names.count > 8)
    var number = 1
    for name in names {
      #expect("\(log.folder)/\(name)" == log.segment(number))
      let bytes = name == names.last ? try log.written(number) : try Files.read(log.segment(number))
      #expect(bytes.last == UInt8(ascii: "\n"))
      number += bytes.count { $0 == UInt8(ascii: "\n") }
    }
  }

  @Test func aLineIsACloudEvent() throws {
    struct Envelope: Codable, Equatable {
      var seq, specversion, id, time, source, type, crc32c: String
      var subject: String?
      var data: [String: [Int]]
    }
    let subject = "a\"b\\c\n\t\u{1}\u{7F}é🙂\u{2028}"
    let new = NewEvent(
      source: "hö\"st/x", type: "reltui.test", subject: subject, data: Array("{\"a\":[1]}".utf8))
    let line = try #require(try log.append(new))
    let event = try JSONDecoder().decode(Envelope.self, from: Data(line.bytes))
    let covered = line.bytes.dropLast(21)
    let checksum = Hex.encode(
      (0..<4).map { UInt8(CRC32C.checksum(covered) >> (24 - $0 * 8) & 255) })
    #expect(
      event
        == Envelope(
          seq: "0000000000000001", specversion: "1.0", id: new.id,
          time: line.time.description, source: "hö\"st/x", type: "reltui.test", crc32c: checksum,
          subject: subject, data: ["a": [1]]))
    #expect(abs(line.time.milliseconds - Clock.now()) < 60_000)
    let plain = try #require(try log.append(NewEvent(1, subject: nil)))
    #expect(
      try JSONDecoder().decode([String: Value].self, from: Data(plain.bytes))["subject"] == nil)
  }

  private struct Value: Codable { init(from decoder: any Decoder) throws {} }

  /// Four processes write, one reads along.
  @Test func numbersHaveNoGapsAndNoDoubles() async throws {
    let path = log.folder
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          await #expect(processExitsWith: .success) {
            [path = path as String, writer = writer as Int] in
            let log = DurableLog(folder: path, segmentSize: 1000)
            for number in 0..<30 {
              try log.append((0...number % 3).map { NewEvent(writer * 1000 + number * 10 + $0) })
            }
          }
        }
      }
      group.addTask {
        var (reader, lines) = (Reader(DurableLog(folder: path)), [Line]())
        let isWhole = eventually {
          lines += (try? reader.rest(limit: 700)) ?? []
          return lines.count >= 240
        }
        #expect(isWhole)
        #expect(lines.map(\.sequence) == Array(1...240))
        #expect(Set(lines.map(\.bytes)).count == 240 && reader.damage == [])
        #expect(zip(lines, lines.dropFirst()).allSatisfy { $0.time <= $1.time })
      }
    }
    #expect(try log.all().lines.count == 240)
  }

  /// The log never lets time go back, not at a new segment either.
  @Test func timeNeverGoesBack() throws {
    let future = "2999-12-31T23:59:59.999Z"
    try folder.write("events/0000000000000001.jsonl", handMade(1, time: future))
    #expect(try log.append(NewEvent(2))?.time == Timestamp(future))
    let blanks = String(repeating: " ", count: 1000)
    let filling = NewEvent(
      source: "s", type: "t", subject: nil, data: Array("{\(blanks)}".utf8))
    try log.append(filling)
    let next = try #require(try log.append(NewEvent(4)))
    #expect(next.time == Timestamp(future) && next.sequence == 4)
    // A writer that was killed between making the segment and writing to it.
    try folder.write("events/0000000000000004.jsonl", "")
    try Files.remove(log.folder + "/.lock")
    let again = try #require(try log.append(NewEvent(4)))
    #expect(again.time == Timestamp(future) && again.sequence == 4)
    #expect(try log.all().lines.map(\.sequence) == [1, 2, 3, 4])
  }

  @Test func whatCannotBeALineIsRefusedWhole() throws {
    try log.append(NewEvent(1))
    let before = try Files.read(log.first)
    var foreign = NewEvent(2)
    foreign.id = "short"
    var split = NewEvent(2)
    split.data = Array("{\n}".utf8)
    var empty = NewEvent(2)
    empty.data = []
    var list = NewEvent(2)
    list.data = Array("[]".utf8)
    var long = NewEvent(2)
    long.data = [UInt8](repeating: 32, count: 256 << 10)
    (long.data[0], long.data[long.data.count - 1]) = (UInt8(ascii: "{"), UInt8(ascii: "}"))
    let cases: [(NewEvent, EventLogError)] = [
      (foreign, .malformed(id: "short")), (split, .malformed(id: split.id)),
      (empty, .malformed(id: empty.id)), (list, .malformed(id: list.id)),
      (long, .tooLong(limit: 256 << 10)),
    ]
    for (event, error) in cases {
      #expect(throws: error) { try log.append([NewEvent(2), event]) }
    }
    #expect(try Files.read(log.first) == before)
    #expect(try log.append(NewEvent(2))?.sequence == 2)
  }

  @Test func otherFilesInTheFolderAreNotRead() throws {
    for name in ["0000000000000000", "+000000000000009", "000000000000009", "x000000000000009"] {
      try folder.write("events/\(name).jsonl", "")
    }
    try folder.write("events/0000000000000009.json", "")
    #expect(try log.append(NewEvent(1))?.sequence == 1)
    #expect(try log.all().lines.map(\.sequence) == [1])
  }

  @Test func aFolderThatCannotBeWritten() async throws {
    try log.append(NewEvent(1))
    try Files.remove(log.folder + "/.lock")
    try Files.setMode(log.first, 0o444)
    try Files.setMode(log.folder, 0o555)
    await #expect(processExitsWith: .success) { [path = log.folder as String] in
      if User.isRoot { #expect(setuid(65_534) == 0) }
      let log = DurableLog(folder: path)
      #expect(throws: EventLogError.unwritable(PosixError("write", path + "/.lock", .accessDenied)))
      {
        try log.append(NewEvent(2))
      }
      #expect(throws: EventLogError.self) {
        try DurableLog(folder: path + "/in").append(NewEvent(2))
      }
      let lines = try log.all().lines
      #expect(lines.map(\.sequence) == [1])
    }
    #expect(throws: EventLogError.self) { try DurableLog(folder: log.first).append(NewEvent(2)) }
  }

  /// A limit on the size of files stands for a full disk: a write fails in its middle, a new segment cannot be made.
  @Test func noSpace() async throws {
    let whole = DurableLog(folder: log.folder, segmentSize: 64 << 10)
    try whole.append([NewEvent(1), NewEvent(2)])
    await #expect(processExitsWith: .success) { [path = log.folder as String] in
      Signals.turnWriteFailuresIntoErrors()
      let log = DurableLog(folder: path, segmentSize: 64 << 10)
      let before = try Files.read(log.first)
      let end = try log.written().count
      var limit = rlimit(rlim_cur: UInt(end + 300), rlim_max: .max)
      setrlimit(__rlimit_resource_t(1), &limit)
      let full = EventLogError.unwritable(PosixError("write", log.first, .fileTooLarge))
      #expect(throws: full) { try log.append([NewEvent(3), NewEvent(4)]) }
      let after = try Files.read(log.first)
      #expect(after == before, "a part of what was refused is left")
      let fitting = try log.append(NewEvent(3))
      #expect(fitting?.sequence == 3)
      #expect(throws: full) { try log.append(NewEvent(4)) }
      limit.rlim_cur = .max
      setrlimit(__rlimit_resource_t(1), &limit)
      let last = try log.append(NewEvent(4))
      #expect(last?.sequence == 4)
      let (lines, damage) = try log.all()
      #expect(lines.map(\.sequence) == [1, 2, 3, 4] && damage == [])
    }
  }

  /// Without space for another segment the last eighth of the last one is kept as the reserve.
  @Test func theReserve() async throws {
    await #expect(processExitsWith: .success) { [path = log.folder as String] in
      Signals.turnWriteFailuresIntoErrors()
      let size = 16 << 10
      let log = DurableLog(folder: path, segmentSize: size)
      try log.append(NewEvent(1))
      var limit = rlimit(rlim_cur: UInt(size - 1), rlim_max: .max)
      setrlimit(__rlimit_resource_t(1), &limit)
      // The spare was made before the disk was full.
      var written: UInt64 = 1
      while (try? log.append(NewEvent(1))) != nil { written += 1 }
      let segments = try log.segments()
      #expect(segments.count == 2)
      let left = try size - log.written(Int(segments[1])).count
      #expect(left >= size / 8 && left < size / 8 + 300)
      #expect(throws: EventLogError.self) { try log.append(NewEvent(1)) }
      for _ in 0..<5 {
        let line = try log.append(NewEvent(1), mayUseReserve: true)
        written += 1
        #expect(line?.sequence == written)
      }
      limit.rlim_cur = .max
      setrlimit(__rlimit_resource_t(1), &limit)
      let line = try log.append(NewEvent(1))
      #expect(line?.sequence == written + 1)
      let (lines, damage) = try log.all()
      #expect(lines.map(\.sequence) == Array(1...(written + 1)) && damage == [])
    }
  }
}
