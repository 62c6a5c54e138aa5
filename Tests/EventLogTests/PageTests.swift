import EventLog
import Posix
import TestSupport
import Testing

/// The page of the format is enough to write a reader: one in another language, written from it, agrees with ours.
@Suite struct PageTests {
  let folder: TemporaryFolder
  let log: DurableLog

  init() throws {
    (folder, log) = try DurableLog.temporary("page", segmentSize: 2000, inMemory: true)
    for number in 1...20 { try log.append(NewEvent(number)) }
  }

  private func agree(_ what: String) throws {
    let answer = try Invocation(
      ["python3", Workspace.root + "/Tests/Fixtures/log/reader.py", log.folder],
      environment: ["PATH": Environment.current["PATH"] ?? Invocation.standardPath]
    ).run(limit: 20_000)
    let (lines, damage) = try log.all()
    let said = answer.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(answer.isSuccess, "\(what)")
    #expect(
      said.filter { $0.count == 1 }.map { $0[0] } == lines.map { "\($0.sequence)" }, "\(what)")
    // Ours makes one place of two that touch.
    let lengths = said.filter { $0.count == 4 }.compactMap { Int($0[3]) }
    #expect(lengths.reduce(0, +) == damage.reduce(0) { $0 + $1.length }, "\(what)")
    let first = said.first { $0.count == 4 }.map { [$0[1], $0[2]] }
    let ours = damage.first { !$0.isMissing }.map { [Files.name(of: $0.path), "\($0.offset)"] }
    #expect(first == ours, "\(what)")
  }

  @Test func aReaderInAnotherLanguageAgrees() throws {
    try agree("whole")
    let (path, size) = (log.segment(1), try log.written().count)
    let bytes = try Files.read(path)
    var seed: UInt64 = 7
    for round in 0..<12 {
      var changed = bytes
      for _ in 0...(round % 3) {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        changed[Int(seed >> 33) % size] ^= 1 << UInt8(seed >> 30 & 7)
      }
      try File.open(path, .replace).write(changed)
      try agree("round \(round)")
    }
    let repaired = try log.repair()
    try agree("repaired \(repaired.taken.count)")
    let newest = log.segment(Int(try #require(try log.segments().last)))
    let end = try File.open(newest, .read).readWhole().countWithoutZeros
    try File.open(newest, .change).write(Array("{\"seq\":\"torn".utf8), at: end)
    try agree("torn")
    try File.open(path, .change).truncate(to: size - 5)
    try agree("cut")
  }
}
