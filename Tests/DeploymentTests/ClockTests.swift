import Events
import HomeLayout
import Instance
import Journal
import Operations
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
    let crashed = app(crashes: 1)
    var moments = SeenMoments()
    #expect(crashAge(crashed, &moments, now: 5000, clock: Self.crash + first) == max(0, first))
    #expect(crashAge(crashed, &moments, now: 5400, clock: Self.crash + then) == age)
  }

  @Test func nextCrashHasItsOwnTime() {
    var moments = SeenMoments()
    _ = crashAge(app(crashes: 1), &moments, now: 5000, clock: Self.crash)
    // Times in the log do not go back: they stand still until the clock has caught up.
    let second = app(crashes: 2)
    #expect(crashAge(second, &moments, now: 9000, clock: Self.crash + -60_000) == 0)
    #expect(crashAge(app(crashes: 0), &moments, now: 9100, clock: Self.crash) == nil)
  }

  private func crashAge(
    _ app: Board.App, _ moments: inout SeenMoments, now: Int64, clock: Timestamp
  ) -> Int64? {
    var (app, none) = (app, [Board.Request]())
    moments.adjust(&app, &none, now: now, clock: clock)
    return app.crashes[Self.web].map { clock - $0.last }
  }

  /// What lasts for a time, and how long.
  enum Pause: CaseIterable {
    case observation, drain, releasePhase, request, doubt

    var length: Int64 {
      switch self {
      case .observation: 10_000
      case .drain: 60_000
      case .releasePhase: AppReconciler.phaseLimit
      case .request: 600_000
      case .doubt: AppReconciler.doubtPause
      }
    }

    /// An app that waits for nothing but the end of the pause, which has just begun.
    func world() throws -> World {
      var world = World.running()
      switch self {
      case .observation: break
      case .drain: world.rollout = Board.Rollout(observe: 0, drain: ["web": 60_000])
      case .releasePhase: world.processes = .success(["web", "release"])
      case .request: world.fates[ReleaseNumber(2)] = .hang
      case .doubt:
        let run = try #require(world.app.liveRuns.first)
        world.append(.instanceUnready) {
          ($0.instance, $0.run, $0.cause) = (run.instance, run.id, Cause(.notAlive, "no answer"))
        }
        return world
      }
      world.request(.deployRequested) { $0.slug = "s2" }
      for _ in 0..<20 {
        _ = world.act()
        let isPhase = world.app.runs.contains { $0.instance.process == ProcessType.release }
        if !isPhase { world.live() }
      }
      return world
    }
  }

  /// - Returns: the world as the agent plans with it.
  private func adjusted(
    _ world: World, _ moments: inout SeenMoments, now: Int64, clock: Timestamp
  ) throws -> World {
    var (world, app) = (world, world.app)
    moments.adjust(&app, &world.board.requests, now: now, clock: clock)
    world.board.apps[app.name] = app
    world.now = clock
    return world
  }

  private static let hour: Int64 = 3_600_000

  /// The clock is set at the beginning of a pause, and again in its middle.
  @Test(arguments: Pause.allCases, [-300 * hour, -hour, 0, hour, 300 * hour])
  func settingTheClockChangesNoPause(_ pause: Pause, by jump: Int64) throws {
    let world = try pause.world()
    let (start, length) = (world.now, pause.length)
    var moments = SeenMoments()
    func plan(_ age: Int64, _ clock: Timestamp) throws -> (actions: Int, wakesIn: Int64?) {
      let plan = try adjusted(world, &moments, now: 7000 + age, clock: clock).plan()
      return (plan.actions.count, plan.wakeAt.map { $0 - clock })
    }
    let waits: [(age: Int64, clock: Timestamp)] = [
      (0, start), (length / 2, start + (jump + length / 2)), (length - 500, start + -jump),
    ]
    for (age, clock) in waits {
      let (actions, wakesIn) = try plan(age, clock)
      #expect(actions == 0, "after \(age) ms")
      #expect((0...length + 1).contains(wakesIn ?? -1), "after \(age) ms")
    }
    #expect(try plan(length + 500, start + (jump - length)).actions > 0)
  }

  /// A new agent has seen no moment. It waits once more, but not until the clock has caught up.
  @Test(arguments: Pause.allCases) func aNewAgentAfterTheClockWasSetBack(_ pause: Pause) throws {
    let world = try pause.world()
    let clock = world.now + -300 * Self.hour
    var moments = SeenMoments()
    #expect(try adjusted(world, &moments, now: 0, clock: clock).plan().actions.isEmpty)
    // Requests have as long as all new ones have.
    let longest = pause == .request ? Deploy.limit : pause.length
    let end = try adjusted(world, &moments, now: longest + 500, clock: clock)
    #expect(!end.plan().actions.isEmpty)
  }

  /// A run that is doubted again, in the same millisecond of a clock that stands still.
  @Test func eachDoubtHasItsOwnTime() throws {
    var world = try Pause.doubt.world()
    let (clock, doubted) = (world.now, world.board.apps)
    var moments = SeenMoments()
    _ = try adjusted(world, &moments, now: 0, clock: clock)
    for index in world.app.runs.indices { world.board.apps["shop"]?.runs[index].state = .ready }
    _ = try adjusted(world, &moments, now: 20_000, clock: clock)
    world.board.apps = doubted
    #expect(try adjusted(world, &moments, now: 30_000, clock: clock).plan().actions.isEmpty)
    #expect(try !adjusted(world, &moments, now: 46_000, clock: clock).plan().actions.isEmpty)
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
