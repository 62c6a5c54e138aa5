import Events
import HomeLayout
import Instance
import Posix
import Testing

@testable import Deployment

/// The agent's next actions for a run, by its state on the board and its observation.
struct RunReconcilerTests {
  static let live = status()
  static let asked = status { $0.wasAsked = true }
  static let done = status { $0.exit = .code(0) }
  static let failed = status { $0.exit = .code(1) }
  static let askedAndDone = status { ($0.wasAsked, $0.exit) = (true, .code(0)) }
  static let cause = Cause(.notReady, "no")

  static func status(_ fill: (inout RunStatus) -> Void = { _ in }) -> RunStatus {
    var status = RunStatus(boot: "b", shim: RunStatus.Process(pid: 7, started: 1))
    status.process = RunStatus.Process(pid: 8, started: 2)
    fill(&status)
    return status
  }

  struct Case: CustomTestStringConvertible {
    var name: String
    var process = "web"
    var state = RunState.ready
    var seen: RunReconciler.Seen
    var actions: [RunAction]
    var testDescription: String { name }

    init(
      _ name: String, _ state: RunState, _ folder: RunObservation, process: String = "web",
      exit: Exit? = nil, isLaunching: Bool = false, isBooting: Bool = false, gate: RunNews? = nil,
      mayServeOn: Bool = false, _ actions: [RunAction]
    ) {
      (self.name, self.state, self.process, self.actions) = (name, state, process, actions)
      seen = RunReconciler.Seen(
        folder: folder, shimExit: exit, isLaunching: isLaunching, isBooting: isBooting,
        mayServeOn: mayServeOn, gate: gate)
    }
  }

  @Test(arguments: [
    Case("a new run is launched", .starting, .absent, [.launch]),
    Case("a launched run has time to begin", .starting, .absent, isLaunching: true, []),
    Case(
      "its relshim gave up", .starting, .absent, exit: .code(1),
      [.bury, .record(.notStarted(.code(1)))]),
    Case(
      "stopped before it was launched", .stopping, .absent, [.bury, .record(.stopped(nil))]),
    Case("its folder is gone", .ready, .absent, [.bury, .record(.crashed(nil))]),
    Case("it crashed", .ready, .ended(failed), [.record(.crashed(failed))]),
    Case("it ended as intended", .stopping, .ended(failed), [.record(.stopped(.code(1)))]),
    Case(
      "its relshim was asked from outside", .ready, .ended(askedAndDone),
      [.record(.stopped(.code(0)))]),
    Case(
      "a web process that ends well has crashed", .ready, .ended(done), [.record(.crashed(done))]),
    Case(
      "a release phase ends well", .starting, .ended(done), process: "release",
      [.record(.stopped(.code(0)))]),
    Case(
      "an unfinished release phase has failed", .starting,
      .ended(status { ($0.wasAsked, $0.exit) = (true, .code(1)) }), process: "release",
      [
        .record(.crashed(status { ($0.wasAsked, $0.exit) = (true, .code(1)) }))
      ]),
    Case(
      "its relshim was killed", .ready, .lost(live), [.killProcesses, .record(.crashed(live))]),
    Case(
      "its relshim was killed while it stopped", .stopping, .lost(live),
      [.endOrphan, .killProcesses, .record(.stopped(nil))]),
    Case(
      "its relshim was killed, but it serves on", .ready, .lost(live), mayServeOn: true,
      [.record(.orphaned)]),
    Case(
      "its relshim was killed while it booted", .booting, .lost(live), mayServeOn: true,
      [.killProcesses, .record(.crashed(live))]),
    Case("its status cannot be read", .ready, .live(nil), []),
    Case("nor while it stops", .stopping, .live(nil), [.killProcesses]),
    Case("nothing has happened", .ready, .live(live), []),
    Case(
      "it has begun to boot", .starting, .live(live), isBooting: true, [.record(.booting(pid: 8))]),
    Case(
      "ready at the first look", .starting, .live(live), gate: .ready(boot: nil),
      [.record(.booting(pid: 8)), .record(.ready(boot: nil))]),
    Case("it is to stop", .stopping, .live(live), [.askToStop]),
    Case("it was asked to stop", .stopping, .live(asked), []),
    Case(
      "it does not answer any more", .ready, .live(live), gate: .unready(cause),
      [.renewPortMapper, .record(.unready(cause))]),
  ])
  func plannedActions(_ test: Case) {
    let run = Board.Run(
      id: 4, instance: InstanceName(test.process, 1), release: ReleaseNumber(1), state: test.state,
      since: Timestamp(milliseconds: 0))
    #expect(RunReconciler.plan(run, test.seen) == test.actions)
  }
}
