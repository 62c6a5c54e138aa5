import Events
import HomeLayout
import Instance
import Journal
import Posix
import TestSupport
import Testing

@testable import Deployment

/// The host's clock may be set back or forward while the agent works.
struct ClockTests {
  private static let crash = Timestamp(milliseconds: 1_700_000_000_000)
  private static let web = InstanceName("web", 1)

  /// An app that was deployed and has crashed several times, all at one time.
  private func app(crashes: Int, at time: Timestamp = crash) -> Board.App {
    var board = Board()
    func apply(_ type: EventType, _ fill: (inout EventData) -> Void) {
      board.apply(
        Event(
          sequence: board.sequence + 1, id: "e", time: time, source: "test", type: type,
          app: "shop", data: EventData(fill)))
    }
    let release = ReleaseNumber(1)
    apply(.releaseCreated) { ($0.release, $0.slug, $0.config) = (release, "s", "c") }
    apply(.deploymentStarted) { $0.release = release }
    apply(.deploymentStep) {
      ($0.release, $0.step) = (release, Board.Deployment.Step.switchOver.rawValue)
    }
    for _ in 0..<crashes {
      apply(.instanceStarting) { ($0.instance, $0.release) = (Self.web, release) }
      let run = board.sequence
      apply(.instanceCrashed) { ($0.instance, $0.run) = (Self.web, run) }
    }
    return board.apps["shop"] ?? Board.App(name: "none", changed: time)
  }

  /// The host's clock when the crash is seen, and 400 ms later.
  @Test(
    arguments: [
      (100, 500, 500), (100, -3_600_000, 500), (100, 3_600_000, 500), (-3_600_000, -3_599_600, 400),
      (-3_600_000, 100, 400),
    ] as [(Int64, Int64, Int64)])
  func crashesAge(first: Int64, then: Int64, age: Int64) {
    let crashes = app(crashes: 1).crashes
    var times = CrashTimes()
    #expect(
      times.ages(of: crashes, now: 5000, clock: Self.crash + first) == [Self.web: max(0, first)])
    #expect(times.ages(of: crashes, now: 5400, clock: Self.crash + then) == [Self.web: age])
  }

  @Test func nextCrashHasItsOwnTime() {
    var times = CrashTimes()
    _ = times.ages(of: app(crashes: 1).crashes, now: 5000, clock: Self.crash)
    // Times in the log do not go back: they stand still until the clock has caught up.
    let second = app(crashes: 2).crashes
    #expect(times.ages(of: second, now: 9000, clock: Self.crash + -60_000) == [Self.web: 0])
    #expect(times.ages(of: [:], now: 9100, clock: Self.crash) == [:])
  }

  /// The restart must come neither at once, or the instance would be abandoned within a second, nor
  /// only when the clock has caught up.
  @Test func settingTheClockBackKeepsThePause() throws {
    var world = World.running()
    let run = world.app.liveRuns[0]
    world.append(.instanceCrashed) {
      ($0.instance, $0.run, $0.cause) = (run.instance, run.id, Cause(.crashed, "it broke"))
    }
    world.now = world.now + -3_600_000
    let pause = try #require(world.app.crashes[run.instance]).pause
    world.sinceCrash = [run.instance: 100]
    #expect(world.plan().actions.isEmpty && world.plan().wakeAt == world.now + (pause - 100))
    world.sinceCrash = [run.instance: pause]
    #expect(world.plan().actions == [.start(run.instance, ReleaseNumber(1))])
  }

  @Test func noDurationInTheLogIsNegative() throws {
    let folder = try TemporaryFolder("clock")
    let home = Home(root: folder.path + "/home")
    let agent = try Agent(
      home: home, launcher: Launcher(shim: "/bin/false", agent: "/bin/false", home: home),
      environment: [:]
    ) { Issue.record("\($0)") }
    let later = Timestamp(milliseconds: Clock.now() + 86_400_000)
    try agent.perform(.finishDeployment(ReleaseNumber(1)), app(crashes: 0, at: later))
    let log = try Files.read(home.events + "/0000000000000001.jsonl")
    #expect(String(decoding: log, as: UTF8.self).contains(#""milliseconds":0"#))
  }
}
