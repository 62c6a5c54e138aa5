import Dashboard
import Events
import HomeLayout
import Terminal
import Testing

/// Restart and rollback: what is asked, what is written, what is refused.
struct RequestTests {
  @Test func restartOfAnAppAsksFirstAndSaysWhatHappens() {
    var story = Story(.calm)
    story.press("R")
    #expect(story.effects == [])
    story.expect(
      "Restart all 2 instances of greeter (v2)?", "One at a time", "A new run starts beside",
      "[ No ]", "do not change")
    story.press("Enter")
    #expect(story.effects == [])
    story.press("R", "Tab")
    story.expect("[ Yes ]")
    story.press("Enter")
    let request = story.request
    #expect(request?.type == .restartRequested && request?.app == "greeter")
    #expect(request?.data.by == "ana" && request?.data.instance == nil)
    #expect(request?.data.deadline == Past.now + 900_000)
  }

  @Test func restartOfOneInstanceNamesIt() {
    var story = Story(.calm)
    story.press("Enter", "j", "R")
    story.expect("Restart web.2 of greeter (v2)?", absent: ["One at a time"])
    story.press("y")
    #expect(story.request?.data.instance == InstanceName("web", 2))
  }

  @Test func rollbackNamesTheConfigVarsThatChange() {
    var story = Story(.calm)
    story.press("B")
    story.expect(
      "Roll greeter back from v2 to v1?", "This makes v3 with v1's slug and config vars.",
      "Config vars that change: GREETING.", "Undo: roll back again to v2.", "[ No ]")
    story.press("y")
    #expect(story.request?.type == .rollbackRequested)
    #expect(story.request?.data.from == ReleaseNumber(1))
  }

  /// A rollback to v1 left v2, so a second one does not bring v2 back.
  @Test func rollbackOfARollbackDoesNotBringTheBadReleaseBack() {
    var past = Past.calm
    past.create("greeter", 3, slug: 0, config: "c1", by: "ana", ago: 100, formation: ["web": 2]) {
      $0.from = ReleaseNumber(1)
    }
    past.finish("greeter", 3, ago: 60)
    var story = Story(past)
    story.press("B")
    story.expect(
      "no release before v3 that was healthy and was not rolled back", absent: ["[ No ]"])
  }

  @Test func unrecordedChangesAreNotInvented() {
    var past = Past.calm
    past.create("greeter", 3, slug: 1, config: "c9", by: "ana", ago: 100, formation: ["web": 2])
    past.finish("greeter", 3, ago: 60)
    var story = Story(past)
    story.press("B")
    story.expect("which ones is not recorded", absent: ["GREETING"])
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    var keys: [String]
    var sentence: String
    var past: Past = .night
    var isReadOnly = false
    var testDescription: String { sentence }
  }

  @Test(arguments: [
    Refused(keys: ["R"], sentence: "There is no app here yet", past: Past()),
    Refused(keys: ["B"], sentence: "'worker' has no release before v4 that was healthy"),
    Refused(keys: ["X"], sentence: "'worker' has no request that is not done yet"),
    Refused(keys: ["R"], sentence: "read-only", past: .calm, isReadOnly: true),
    Refused(keys: ["B"], sentence: "read-only", past: .calm, isReadOnly: true),
    Refused(keys: ["R"], sentence: "restart of greeter is requested already", past: Past.asked),
    Refused(keys: ["Enter", "j", "R"], sentence: "is requested already", past: Past.asked),
    Refused(keys: ["Enter", "Enter"], sentence: "Esc goes back", past: .calm),
    Refused(keys: ["l"], sentence: "There is no app here yet", past: Past()),
  ])
  func refusals(_ refused: Refused) {
    var story = Story(refused.past, columns: 120, isReadOnly: refused.isReadOnly)
    for key in refused.keys { story.press(key) }
    #expect(story.effects == [])
    story.expect(refused.sentence, absent: ["[ No ]"])
    story.press("j")
    story.expect(absent: [refused.sentence])
  }

  @Test func readOnlyLeavesWritingCommandsOut() {
    var story = Story(.calm, isReadOnly: true)
    story.expect(absent: ["R restart", "B rollback"])
    story.press("?")
    story.expect(absent: ["Restart the selected app"])
    let writable = Story(.calm)
    writable.expect("R restart", "B rollback")
  }

  @Test func theOutcomeOfAnOwnRequestIsTold() {
    var past = Past.calm
    let request = past.add(.restartRequested, "greeter", ago: 0) { $0.by = "ana" }
    let asked = past.events[Int(request) - 1]
    let outcomes: [(EventType, Cause?, String)] = [
      (.requestFinished, nil, "restart of greeter: done"),
      (.requestFailed, Cause(.bootFailed, "it fell"), "restart of greeter failed: it fell"),
      (.requestRejected, Cause(.releaseNone, "no"), "restart of greeter refused: no"),
    ]
    for (type, cause, words) in outcomes {
      var story = Story(.calm)
      story.tell(.requested(asked))
      story.expect("restart of greeter: requested")
      var end = past
      end.add(type, "greeter", ago: 0) { ($0.request, $0.cause) = (asked.id, cause) }
      story.tell(.events([end.events[end.events.count - 1]]))
      story.expect(words)
    }
  }

  @Test func anOpenRequestWithoutAnAgentSaysSo() {
    Story(.asked, isAgentAlive: false).expect("agent absent", "waits, because no agent runs")
  }

  @Test func aFailureIsANoticeWithItsRemedy() {
    var story = Story(.calm)
    story.tell(.failed(Cause(.logFull, "cannot write")))
    story.expect("cannot write. Free some space; nothing was lost.")
    story.press("j")
    story.expect(absent: ["cannot write"])
  }

  @Test func damageStaysOnTheScreen() {
    var story = Story(.calm)
    story.tell(.alert("The event log is damaged in 1 place"))
    story.press("j")
    story.expect("The event log is damaged in 1 place")
    story.tell(.alert(nil))
    story.expect(absent: ["damaged"])
  }
}

extension Past {
  /// A restart is already requested.
  static var asked: Past {
    var past = Past.calm
    past.add(.restartRequested, "greeter", ago: 10) { $0.by = "ben" }
    return past
  }
}
