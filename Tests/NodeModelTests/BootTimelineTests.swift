import NodeModel
import Testing

struct BootTimelineTests {
  /// Samples of a boot: the clock, the applications that are starting, and those that run.
  private static let looks: [(Int64, [String], [String], Bool)] = [
    (0, [], ["kernel"], false),
    (10, ["a"], ["kernel", "stdlib"], false),
    (30, ["a"], ["kernel", "stdlib"], false),
    (50, ["b"], ["kernel", "stdlib", "a"], false),
    (90, [], ["kernel", "stdlib", "a", "b", "c"], true),
  ]

  @Test func timeGoesToTheApplicationThatIsStarting() {
    var timeline = BootTimeline()
    for (now, starting, running, isReady) in Self.looks {
      timeline.look(at: now, starting: starting, running: running, isReady: isReady)
    }
    #expect(timeline.milliseconds == ["stdlib": 10, "a": 40, "b": 40, "c": 0])
    #expect(timeline.steps.map(\.application) == ["stdlib", "a", "b", "c"])
    #expect(timeline.total == 90)
    #expect(timeline.isFinished)
    #expect(timeline.steps.map(\.milliseconds).reduce(0, +) == timeline.total)
  }

  @Test func currentApplicationIsNamed() {
    var timeline = BootTimeline()
    for (now, starting, running, isReady) in Self.looks.prefix(3) {
      timeline.look(at: now, starting: starting, running: running, isReady: isReady)
    }
    #expect(timeline.current == "a")
  }
}
