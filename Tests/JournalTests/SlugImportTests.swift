import EventLog
import Events
import HomeLayout
import Journal
import Posix
import TestSupport
import Testing

/// The events that an import writes; each is written once.
struct SlugImportTests {
  let folder: TemporaryFolder
  let journal: EventJournal
  let record: SlugRecord
  let stored = EventData { ($0.slug, $0.build) = (SlugRecordTests.slug, SlugRecordTests.build) }

  init() throws {
    folder = try TemporaryFolder("import")
    journal = EventJournal(home: Home(root: folder.path), program: "test")
    record = try SlugRecord(
      bytes: SlugRecordTests.bytes(SlugRecordTests.good), slug: SlugRecordTests.slug)
  }

  private func events() throws -> [Event] {
    var reader = Reader(journal.log)
    var events: [Event] = []
    while let lines = try? reader.next(), !lines.isEmpty { events += lines.map(Event.init) }
    return events
  }

  @Test func recordIsWrittenBeforeSlugStored() throws {
    try journal.append(.agentStarted, app: nil, EventData())
    #expect(try journal.tell(of: stored, isNew: true, record: record) == 4)
    let events = try events()
    #expect(
      events.map(\.type) == [
        .agentStarted, .buildStarted, .buildStep, .buildStep, .buildFinished, .slugStored,
      ])
    #expect(events.map(\.sequence) == Array(1...6))
    let merged = events[1...4]
    #expect(merged.map(\.id) == record.events.map(\.id))
    #expect(merged.map(\.data.occurred) == record.events.map(\.time))
    #expect(merged.allSatisfy { $0.source == "far/relpack" && $0.app == "greeter" })
    #expect(zip(events, events.dropFirst()).allSatisfy { $0.time <= $1.time })
    #expect(merged.first?.data.commit == "c0ffee" && events[5].data == stored)
  }

  /// For each number of events that a killed import may have written.
  @Test(arguments: 0...5) func missingEventsAreWrittenOnce(_ count: Int) throws {
    _ = try journal.tell(of: stored, isNew: true, record: record)
    let all = try events()
    let first = journal.home.events + "/0000000000000001.jsonl"
    let lines = try Files.read(first).split(separator: 10)
    try Files.replace(first, with: lines.prefix(count).flatMap { $0 + [10] })
    #expect(
      try journal.tell(of: stored, isNew: false, record: record) == max(0, 4 - count))
    #expect(try events().map(\.typeName) == all.map(\.typeName))
    #expect(try events().dropLast().map(\.id) == all.dropLast().map(\.id))
    #expect(try journal.tell(of: stored, isNew: false, record: record) == 0)
    #expect(try events().count == 5)
  }

  @Test func removedSlugIsStoredAgain() throws {
    #expect(try journal.tell(of: stored, isNew: true, record: nil) == 0)
    #expect(try journal.tell(of: stored, isNew: false, record: nil) == 0)
    #expect(try journal.tell(of: stored, isNew: true, record: nil) == 0)
    #expect(try events().map(\.type) == [.slugStored, .slugStored])
  }

  /// Events of builds name no request and no instance.
  @Test func fieldsThatBuildsDoNotUseAreLeftOut() throws {
    var entries = SlugRecordTests.good
    entries[1] = .init(
      .buildStep,
      #","step":"compile","request":"0123","instance":"web.1","run":7,"node":"n@h","new":"x""#)
    let record = try SlugRecord(
      bytes: SlugRecordTests.bytes(entries), slug: SlugRecordTests.slug)
    _ = try journal.tell(of: stored, isNew: true, record: record)
    let expected = EventData {
      ($0.build, $0.step, $0.occurred) = (
        SlugRecordTests.build, "compile", record.events[1].time
      )
    }
    #expect(try events()[1].data == expected)
  }
}
