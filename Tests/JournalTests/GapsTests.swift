import EventLog
import Events
import HomeLayout
import Journal
import Posix
import TestSupport
import Testing

struct GapsTests {
  private static func gap(_ numbers: ClosedRange<UInt64>) -> Damage {
    Damage(path: "x", offset: 0, length: 0, kind: .missing(numbers))
  }

  private static func told(_ texts: [String]) -> Gaps {
    var gaps = Gaps()
    gaps.note(
      Event(
        sequence: 99, id: "", time: Timestamp(milliseconds: 0), source: "", type: .logRepaired,
        app: nil, data: EventData { $0.missing = texts }))
    return gaps
  }

  @Test(arguments: [
    (["12"], [ClosedRange<UInt64>]()), (["12-14"], []), (["10-20"], []), (["12-13", "14"], []),
    (["13"], [12...12, 14...14]), (["12"], [13...14]), (["1-12"], [13...14]),
    (["15-20"], [12...14]),
    ([], [12...14]),
    // A text that is not a number accounts for no gap.
    (
      ["", "x", "-", "14-12", "12-", "-14", "12-13-14", "1e9", "0-18446744073709551615"], [12...14]
    ),
  ])
  func reportedGapsAreNotReportedAgain(_ texts: [String], _ left: [ClosedRange<UInt64>]) {
    let whole: ClosedRange<UInt64> = texts == ["12"] && left.isEmpty ? 12...12 : 12...14
    #expect(Self.told(texts).untold([Self.gap(whole)]) == left.map(Self.gap))
  }

  @Test func onlyGapsCountAsReported() {
    let others = [
      Damage(path: "x", offset: 3, length: 4, kind: .unreadable),
      Damage(path: "x", offset: 9, length: 4, kind: .again(12)),
    ]
    #expect(Self.told(["1-20"]).untold(others) == others)
    #expect([12...12, 12...14].map(Gaps.text) == ["12", "12-14"])
  }

  @Test func gapsAreReadFromTheLog() throws {
    let folder = try TemporaryFolder("gaps", inMemory: true)
    let journal = EventJournal(home: Home(root: folder.path), program: "test")
    _ = try journal.append(custom: (1...5).map { try CustomEvent(type: "a.\($0)") })
    let path = journal.home.events + "/0000000000000001.jsonl"
    var bytes = try Files.read(path)
    let start = try #require(bytes.firstIndex(of: UInt8(ascii: "\n"), from: 0)) + 50
    bytes[start] ^= 1
    try Files.replace(path, with: bytes)
    #expect(try journal.verify().damage.map(\.kind) == [.unreadable, .missing(2...2)])
    _ = try journal.log.repair()
    #expect(try journal.verify().damage.map(\.kind) == [.missing(2...2)])
    try journal.append(.logRepaired, app: nil, EventData { $0.missing = ["2"] })
    #expect(try journal.verify().damage.isEmpty && journal.verify().lines == 5)
  }
}
