import EventLog
import Glibc
import HomeLayout
import Posix
import TestSupport
import Testing

/// What a careless or hostile hand may leave in the folder.
@Suite struct StrangeTests {
  let folder: TemporaryFolder
  let log: DurableLog

  init() throws {
    (folder, log) = try DurableLog.temporary("strange", segmentSize: 4096, inMemory: true)
  }

  private func put(_ bytes: [UInt8], in segment: Int) throws {
    try Files.makeFolder(log.folder)
    try File.open(log.segment(segment), .replace).write(bytes)
  }

  private func lines(_ numbers: ClosedRange<Int>, second: Int = 0) -> [UInt8] {
    numbers.flatMap { handMade($0, time: "2026-11-21T07:05:0\(second).000Z") }
  }

  @Test func aSegmentOfAnotherNameIsNotWrittenOver() throws {
    let before = lines(1...50)
    try put(before, in: 100)
    let line = try #require(try log.append(NewEvent(1)))
    #expect(line.sequence > 100)
    #expect(try Files.read(log.segment(100)) == before)
    #expect(try log.all().lines.contains(line))
  }

  @Test func findingATimeAmongSegmentsWithoutALine() throws {
    for (index, first) in [1, 6, 11, 16, 21].enumerated() {
      try put(lines(first...(first + 4), second: index), in: first)
    }
    for empty in [[21], [11], [11, 16], [6, 11, 16, 21]] {
      for first in [6, 11, 16, 21] {
        let bytes = lines(first...(first + 4), second: first / 5)
        let zeros = [UInt8](repeating: 0, count: 4096)
        try put(empty.contains(first) ? zeros : bytes, in: first)
      }
      for second in 0...4 {
        let time = try #require(Timestamp("2026-11-21T07:05:0\(second).000Z"))
        var reader = Reader(log, from: try log.cursor(before: time))
        let found = try reader.rest().filter { $0.time >= time }
        #expect(found == (try log.all().lines.filter { $0.time >= time }), "\(empty), \(second) s")
      }
    }
  }

  @Test func aNameThatIsNoTextIsNotOurs() throws {
    try log.append(NewEvent(1))
    let name = (log.folder + "/").utf8.map { CChar(bitPattern: $0) } + [-1]
    let ending = ".jsonl".utf8.map { CChar(bitPattern: $0) } + [0]
    #expect(mkdir(name + ending, 0o700) == 0)
    #expect(try log.append(NewEvent(2))?.sequence == 2)
    #expect(try log.all().lines.count == 2)
  }

  /// The note in `.lock` is a hint, whatever it says.
  @Test(arguments: [(4, "9223372036854775807"), (5, "9223372036854775807"), (3, "77"), (5, "5000")])
  func aNoteThatIsWrong(_ word: Int, _ value: String) throws {
    try log.append([NewEvent(1), NewEvent(2)])
    let path = log.folder + "/.lock"
    let text = String(decoding: try Files.read(path), as: UTF8.self)
    var words = text.split(separator: "\n")[0].split(separator: " ").map(String.init)
    words[word] = value
    try File.open(path, .replace).write(words.joined(separator: " ") + "\n")
    #expect(try log.append(NewEvent(3))?.sequence == 3)
    #expect(try log.all().lines.map(\.sequence) == [1, 2, 3] && log.all().damage == [])
  }

  /// Readers, verify and repair are of one mind about what is too long.
  @Test func aLineThatIsTooLong() throws {
    let long = handMade(
      2, time: "2026-11-21T07:05:00.000Z", data: [UInt8](repeating: 32, count: 300 << 10))
    try put(lines(1...1) + long + lines(3...3), in: 1)
    try put(lines(4...4), in: 4)
    #expect(try log.all().lines.map(\.sequence) == [1, 3, 4])
    #expect(try log.repair().taken.map(\.length) == [long.count])
    #expect(try log.all().damage.map(\.kind) == [.missing(2...2)])
  }

  @Test func sizesThatNoDiskHas() throws {
    for first in [1, 6, 11] { try put(lines(first...(first + 4)), in: first) }
    for first in [1, 6] { truncate(log.segment(first), 5 << 60) }
    #expect(throws: Never.self) {
      _ = try log.drop(Retention(bytes: 1), now: Timestamp(milliseconds: 0)) { _ in true }
    }
  }

  @Test func aFolderThatIsReplacedIsWatchedAgain() throws {
    try log.append(NewEvent(1))
    var watch = Watch(log)
    try Files.rename(log.folder, to: log.folder + ".old")
    let isNoticed = eventually { watch.hasChanged() }
    #expect(isNoticed)
    try log.append(NewEvent(1))
    #expect(eventually { watch.hasChanged() })
    let descriptor = try #require(watch.descriptor)
    try log.append(NewEvent(2))
    #expect(try Poll.wait([descriptor], milliseconds: 5000) == [descriptor])
  }

  /// While another program has the old folder open, the kernel does not report that it was removed.
  @Test func aFolderThatIsRemovedWhileItIsOpenIsNotWrittenTo() throws {
    for number in 1...2 { try log.append(NewEvent(number)) }
    var open: [File] = []
    defer { withExtendedLifetime(open) {} }
    for round in 1...3 {
      open.append(try File.open(log.folder, .folder))
      try Files.remove(log.folder)
      #expect(try log.append(NewEvent(round))?.sequence == 1)
      #expect(try log.append(NewEvent(round))?.sequence == 2)
      #expect(try log.all().lines.map(\.sequence) == [1, 2], "round \(round)")
    }
  }

  @Test func rootDoesNotFollowALinkOutOfTheHome() throws {
    try log.append(NewEvent(1))
    let elsewhere = folder.path + "/elsewhere"
    try Files.makeFolder(elsewhere)
    try Files.symbolicLink(to: elsewhere, at: log.folder + "/aside")
    try put(lines(1...1) + Array("junk\n".utf8) + lines(2...2), in: 1)
    #expect(throws: EventLogError.self) { try log.repair() }
    #expect(try Files.list(elsewhere) == [])
  }
}
