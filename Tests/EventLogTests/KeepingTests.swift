import EventLog
import HomeLayout
import Posix
import TestSupport
import Testing

/// Finding, checkpoints and retention: what a long log needs.
@Suite struct KeepingTests {
  let folder: TemporaryFolder
  let log: DurableLog

  init() throws {
    (folder, log) = try DurableLog.temporary("keeping", segmentSize: 1000)
  }

  func rest(_ cursor: Cursor) throws -> [UInt64] {
    var reader = Reader(log, from: cursor)
    return try reader.rest().map(\.sequence)
  }

  @Test func findingANumber() throws {
    #expect(try log.cursor(before: 7) == .start && log.lastLine() == nil)
    for number in 1...40 { try log.append(NewEvent(number)) }
    let segments = try log.segments()
    #expect(segments.count > 5)
    for number: UInt64 in [1, 2, 17, 39, 40, 41, 9_000] {
      let first = try #require(try rest(log.cursor(before: number)).first)
      #expect(first <= number && segments.contains(first))
      #expect(number > 40 || number - first < 10)
    }
    #expect(try log.lastLine()?.sequence == 40)
    try Files.remove(log.segment(1))
    #expect(try rest(log.cursor(before: 1)).first == segments[1])
  }

  @Test func findingATime() throws {
    // Two lines a segment, some at the same moment.
    let seconds = [1, 1, 3, 5, 5, 5, 5, 8, 9, 9]
    let times = seconds.map { "2026-11-21T07:05:0\($0).000Z" }
    for first in stride(from: 0, to: 10, by: 2) {
      let lines = (first...(first + 1)).flatMap { handMade($0 + 1, time: times[$0]) }
      try folder.write(
        "events/" + Files.name(of: log.segment(first + 1)), String(decoding: lines, as: UTF8.self))
    }
    for second in 0...9 {
      let time = try #require(Timestamp("2026-11-21T07:05:0\(second).000Z"))
      let found = try rest(log.cursor(before: time))
      let wanted = (0..<10).filter { seconds[$0] >= second }.map { UInt64($0 + 1) }
      #expect(found.suffix(wanted.count) == wanted[...])
      #expect(found.count - wanted.count <= 3, "from \(second) s")
    }
  }

  /// What a reader would read next goes as the limits demand.
  @Test func aReaderThatIsOvertakenGoesOn() throws {
    for number in 1...40 { try log.append(NewEvent(number)) }
    let segments = try log.segments()
    var begun = Reader(log)
    #expect(try begun.next(limit: 1).map(\.sequence) == [1])
    var done = Reader(log)
    #expect(try done.rest().count == 40)
    let oldest = segments[4]
    try log.save(Checkpoint(segment: oldest, version: 1, body: []))
    let now = Timestamp(milliseconds: Clock.now())
    try log.drop(Retention(count: 40 - oldest), now: now) { $0 <= oldest }
    #expect(try log.segments().first == oldest)
    #expect(throws: EventLogError.notKept(2...(oldest - 1))) { try begun.next() }
    #expect(try begun.rest().map(\.sequence) == Array(oldest...40) && begun.damage == [])
    #expect(try done.rest() == [])
    #expect(try log.verify().lines == 41 - Int(oldest) && log.verify().damage == [])
    // What no checkpoint stands for was not dropped but lost.
    let checkpoint = log.segment(Int(oldest)).dropLast(5) + "checkpoint"
    try Files.rename(String(checkpoint), to: folder.path + "/kept")
    #expect(try log.verify().damage.map(\.kind) == [.missing(1...(oldest - 1))])
    try Files.rename(folder.path + "/kept", to: String(checkpoint))
    // Without a checkpoint that stands for them they are not dropped but lost.
    var other = Reader(log, from: Cursor(segment: segments[5]))
    #expect(try other.next(limit: 1).count == 1)
    for segment in segments[5...7] { try Files.remove(log.segment(Int(segment))) }
    for segment in [oldest] { try Files.remove(log.segment(Int(segment))) }
    #expect(throws: EventLogError.rewritten(after: segments[5])) { try other.next() }
  }

  @Test func checkpoints() throws {
    for number in 1...40 { try log.append(NewEvent(number)) }
    let segment = try log.segments()[3]
    let body: [UInt8] = Array("{\"apps\":\n{}}".utf8) + [0, 255]
    let checkpoint = Checkpoint(segment: segment, version: 3, body: body)
    #expect(try log.checkpoint(before: segment) == nil)
    try log.save(checkpoint)
    #expect(try log.checkpoint(before: segment) == checkpoint)
    #expect(try log.checkpoints() == [segment])
    let path = log.segment(Int(segment)).replacing(".jsonl", with: ".checkpoint")
    let bytes = try Files.read(path)
    var wrong: [Int] = []
    for place in bytes.indices {
      var flipped = bytes
      flipped[place] ^= 1 << (place % 8)
      try Files.replace(path, with: flipped)
      // The version is not checked by the log; the reader says which versions it understands.
      let found = try log.checkpoint(before: segment)
      if found != nil, found?.body != body || found?.version == 3 { wrong.append(place) }
      try Files.replace(path, with: Array(bytes[..<place]))
      if try log.checkpoint(before: segment) != nil { wrong.append(place) }
    }
    #expect(wrong == [])
    // The log was replaced by another.
    try Files.replace(path, with: bytes)
    try Files.replace(
      log.segment(Int(segment)), with: handMade(Int(segment), time: "2026-11-21T07:05:09.042Z"))
    #expect(try log.checkpoint(before: segment) == nil)
    // There is no line to know it by.
    try log.save(Checkpoint(segment: 9_000, version: 1, body: []))
    #expect(try log.checkpoints() == [segment])
  }

  static let now = Timestamp(milliseconds: Clock.now() + 1_000_000)

  @Test(arguments: [
    (Retention(), 0), (Retention(bytes: 3000), 3), (Retention(bytes: 1), 100),
    (Retention(count: 20), 20), (Retention(count: 1), 1), (Retention(age: 900_000), 1),
    (Retention(age: 1_100_000), 0), (Retention(bytes: 1 << 30, count: 20), 20),
  ]) func retention(_ retention: Retention, kept: Int) throws {
    for number in 1...40 { try log.append(NewEvent(number)) }
    let segments = try log.segments()
    var asked: [UInt64] = []
    let dropped = try log.drop(retention, now: Self.now) {
      asked.append($0)
      return true
    }
    let left = try log.segments()
    #expect(dropped + left == segments && !left.isEmpty)
    #expect(dropped.isEmpty ? kept == 0 : asked == Array(segments[1...dropped.count]))
    var reader = Reader(log)
    let lines = try reader.rest().map(\.sequence)
    #expect(lines == Array(left[0]...40) && reader.damage == [])
    if let count = retention.count { #expect(lines.count >= Int(count)) }
    #expect(try log.append(NewEvent(41))?.sequence == 41)
    try log.save(Checkpoint(segment: left[0], version: 1, body: []))
    #expect(try log.verify().damage == [])
  }

  @Test func nothingGoesThatIsNotSafe() throws {
    for number in 1...40 { try log.append(NewEvent(number)) }
    let segments = try log.segments()
    #expect(try log.drop(Retention(count: 1), now: Self.now) { _ in false } == [])
    #expect(
      try log.drop(Retention(count: 1), now: Self.now) { $0 < 12 }.count == segments.filter {
        $0 < 12
      }.count - 1)
  }

  /// A reader sees each line once while segments go behind it; one that was left behind says so.
  @Test func readersAcrossRetention() throws {
    var (reader, seen) = (Reader(log), [UInt64]())
    for number in 1...60 {
      try log.append(NewEvent(number))
      seen += try reader.rest().map(\.sequence)
      if number % 7 == 0 { _ = try log.drop(Retention(count: 3), now: Self.now) { _ in true } }
    }
    #expect(seen == Array(1...60) && reader.damage == [])
    var slow = Reader(log)
    _ = try slow.next()
    let stands = slow.cursor.sequence
    for number in 61...90 { try log.append(NewEvent(number)) }
    _ = try log.drop(Retention(count: 3), now: Self.now) { _ in true }
    #expect(throws: EventLogError.rewritten(after: stands)) { try slow.rest() }
  }
}
