import ConfigStore
import EventLog
import Events
import HomeLayout
import Journal
import Posix
import Redaction
import TestSupport
import Testing

struct JournalTests {
  /// For every writer, every field, and values that were set at any time.
  @Test func valuesOfConfigVarsAreNeverWritten() throws {
    let folder = try TemporaryFolder("journal")
    let home = Home(root: folder.path + "/home")
    let journal = EventJournal(home: home, program: "test", config: ["MINE": "a value of mine"])
    let data = EventData {
      ($0.line, $0.by) = ("use p\"ss\nwörd", "a value of mine")
      $0.cause = Cause(.crashed, "it said p\"ss\nwörd", facts: ["said": "p\"ss\nwörd"])
    }
    let before = try journal.append(.slugStored, app: "p\"ss\nwörd", data)
    #expect(before.data.line == data.line && before.data.by == "«MINE»")
    _ = try ConfigSets(home: home, app: "shop").save(ConfigSet(["KEY": "p\"ss\nwörd"]))
    let after = try journal.append(.slugStored, app: "p\"ss\nwörd", data)
    #expect(after.app == "«KEY»" && after.data.line == "use «KEY»")
    #expect(after.data.cause?.facts == ["said": "«KEY»"])

    var reader = Reader(journal.log)
    let lines = try reader.next()
    #expect(Event(lines[1]) == after, "the returned event differs from the written one")
    #expect(!String(decoding: lines[1].bytes, as: UTF8.self).contains("wörd"))
  }
}
