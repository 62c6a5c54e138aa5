import Events
import HomeLayout
import Operations
import Testing

@testable import Deployment

/// A simulation of the agent without processes: a board, and runs that behave as the test says.
struct World {
  enum Fate { case ready, crash, hang }

  var board = Board()
  /// The app's name.
  var name = "shop"
  /// What a helper for the preview has found; and what the next removals find.
  var previewTask: PreviewTask?
  var removals: [Result<[String], Cause>] = []
  var now = Timestamp(milliseconds: 1_700_000_000_000)
  /// The fate of each release's runs.
  var fates: [ReleaseNumber: Fate] = [:]
  var processes: Result<Set<String>, Cause> = .success(["web"])
  var operations = OperationTable.standard
  var hasSpace = true
  var isMemoryShort = false
  /// How releases made from now on replace others.
  var rollout = Board.Rollout(observe: 10_000)
  /// The age of the crashes on the monotonic clock; nil to compute it from `now`.
  var sinceCrash: [InstanceName: Int64]?
  var history: [EventType] = []
  private var sequence: UInt64 = 0

  /// The smallest number of ready web instances since the first was ready.
  var fewestReady: Int?

  @discardableResult
  mutating func append(_ type: EventType, _ fill: (inout EventData) -> Void = { _ in }) -> String {
    sequence += 1
    now = now + 10
    let id = "event-\(sequence)"
    history.append(type)
    board.apply(
      Event(
        sequence: sequence, id: id, time: now, source: "test", type: type, app: name,
        data: EventData(fill)))
    let ready = app.runs.filter { $0.state == .ready && $0.instance.process == "web" }.count
    if let fewest = fewestReady {
      fewestReady = min(fewest, ready)
    } else if ready > 0 {
      fewestReady = ready
    }
    return id
  }

  var app: Board.App { board.apps[name] ?? Board.App(name: name, changed: now) }

  mutating func request(_ type: EventType, _ fill: (inout EventData) -> Void = { _ in }) {
    let deadline = now + 600_000
    append(type) {
      ($0.by, $0.deadline) = ("ana", deadline)
      fill(&$0)
    }
  }

  func plan() -> (actions: [AppAction], wakeAt: Timestamp?) {
    AppReconciler.plan(
      app,
      in: AppReconciler.Surroundings(
        requests: board.requests, now: now,
        sinceCrash: sinceCrash ?? app.crashes.mapValues { now.elapsed(since: $0.last) },
        hasSpace: hasSpace, isMemoryShort: isMemoryShort, operations: operations,
        previewTask: { [previewTask] _ in previewTask },
        processes: { [processes] _ in processes }))
  }

  /// Performs actions as the agent does, at most `limit` of them, as if the agent were killed then.
  mutating func act(limit: Int = .max) -> Int {
    var done = 0
    while done < limit {
      let actions = plan().actions
      if actions.isEmpty { return done }
      for action in actions where done < limit {
        perform(action)
        done += 1
      }
    }
    return done
  }

  private mutating func perform(_ action: AppAction) {
    switch action {
    case .consider(let request):
      let refusal: Refusal?
      do throws(Refusal) {
        try operations.operation(request)?.check(on: board)
        refusal = nil
      } catch { refusal = error }
      append(refusal == nil ? .requestAccepted : .requestRejected) {
        ($0.request, $0.cause) = (request.id, refusal?.cause)
      }
    case .createRelease(let new, let request):
      let (number, how) = (app.nextRelease, rollout)
      append(.releaseCreated) {
        ($0.release, $0.request) = (number, request.id)
        ($0.slug, $0.config) = (new.slug, new.config ?? "c")
        ($0.from, $0.set) = (new.from, new.set)
        how.describe(in: &$0)
      }
    case .keepConfig(let digest, _): append(.configChanged) { $0.config = digest }
    case .beginDeployment(let number, let request):
      let batch = app.current == nil ? nil : rollout.batch
      let formation = app.formation.isEmpty ? ["web": 2] : app.formation
      append(.deploymentStarted) {
        ($0.release, $0.request, $0.formation) = (number, request.id, formation)
        $0.batch = batch
      }
    case .step(let number, let step):
      append(.deploymentStep) { ($0.release, $0.step) = (number, step.rawValue) }
    case .startReleasePhase(let number):
      append(.deploymentStep) { ($0.release, $0.step) = (number, "release phase") }
      append(.instanceStarting) { ($0.instance, $0.release) = (InstanceName("release", 1), number) }
    case .beginToRevert(let number, let cause):
      append(.deploymentStep) {
        ($0.release, $0.cause, $0.step) = (number, cause, Board.Deployment.Step.revert.rawValue)
      }
    case .finishDeployment(let number): append(.deploymentFinished) { $0.release = number }
    case .failDeployment(let number, let cause):
      append(.deploymentFailed) { ($0.release, $0.cause) = (number, cause) }
    case .revertDeployment(let number, let cause):
      append(.deploymentReverted) { ($0.release, $0.cause) = (number, cause) }
    case .providePreview: previewTask = .ended(.success([]))
    case .makePreviewConfig(_, let request):
      previewTask = nil
      append(.configChanged) { ($0.config, $0.request) = ("c", request.id) }
    case .openPreview: append(.previewOpened)
    case .removePreview:
      previewTask = .ended(removals.isEmpty ? .success(["all"]) : removals.removeFirst())
    case .restPreview: previewTask = .resting(until: now + 60_000, after: board.sequence)
    case .recordClosed(let removed):
      previewTask = nil
      append(.previewClosed) { $0.removed = removed }
    case .finish(let request): append(.requestFinished) { $0.request = request.id }
    case .fail(let request, let cause):
      append(.requestFailed) { ($0.request, $0.cause) = (request.id, cause) }
    case .start(let instance, let number):
      append(.instanceStarting) { ($0.instance, $0.release) = (instance, number) }
    case .stop(let run):
      append(.instanceStopping) { ($0.instance, $0.run) = (run.instance, run.id) }
    case .abandon(let run, let cause):
      append(.instanceAbandoned) { ($0.instance, $0.run, $0.cause) = (run.instance, run.id, cause) }
    }
  }

  /// Moves every run one step towards its fate.
  mutating func live() {
    for run in app.liveRuns {
      func tell(_ type: EventType, _ cause: Cause? = nil) {
        append(type) { ($0.instance, $0.run, $0.cause) = (run.instance, run.id, cause) }
      }
      switch (run.state, fates[run.release] ?? .ready) {
      case (.starting, _): tell(.instanceBooting)
      case (.booting, .ready) where ProcessType.runsOnce(run.instance.process):
        tell(.instanceStopped)
      case (.booting, .ready): tell(.instanceReady)
      case (.booting, .crash):
        tell(.instanceCrashed, Cause(.bootFailed, "\(run.instance) would not boot"))
      case (.stopping, _): tell(.instanceStopped)
      default: break
      }
    }
  }

  /// Alternates agent and runs until nothing changes. The agent is killed after every `stride`
  /// actions.
  mutating func settle(stride: Int = .max) {
    for _ in 0..<400 {
      let before = sequence
      _ = act(limit: stride)
      // The next agent knows of no helper.
      if stride < .max { previewTask = nil }
      live()
      if sequence > before { continue }
      // Nothing happens until the observation is over.
      guard app.deployment?.hasSwitched == true, let next = plan().wakeAt else { return }
      now = next
    }
    Issue.record("the world does not settle: \(history.suffix(12))")
  }

  /// A world in which v1 runs with two web instances.
  static func running() -> World {
    var world = World()
    world.request(.deployRequested) { $0.slug = "s1" }
    world.settle()
    return world
  }

  /// The same, while v2 is being deployed and does not get ready.
  static func hanging() -> World {
    var world = running()
    world.fates[ReleaseNumber(2)] = .hang
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    return world
  }

  var readyReleases: [String] {
    app.runs.filter { $0.state == .ready }.map { "\($0.instance) \($0.release)" }.sorted()
  }
}

/// Numbers of actions after which the agent is killed; the last one is never reached.
private let strides = [1, 2, 3, 5, Int.max]

struct AppReconcilerTests {
  @Test(arguments: strides) func deploymentReplacesTheReleaseWithoutAGap(stride: Int) {
    var world = World.running()
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
    #expect(world.fewestReady ?? 0 >= 1)
    #expect(world.app.current == ReleaseNumber(2))
    #expect(world.board.requests.isEmpty)
    #expect(world.history.count { $0 == .requestFinished } == 2)
    #expect(world.history.count { $0 == .releaseCreated } == 2)
  }

  @Test(arguments: strides) func failedBootKeepsTheOldRelease(stride: Int) {
    var world = World.running()
    let before = world.app.liveRuns.map(\.id)
    world.fates[ReleaseNumber(2)] = .crash
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle(stride: stride)
    #expect(world.app.liveRuns.map(\.id) == before)
    #expect(world.app.current == ReleaseNumber(1))
    #expect(world.app.failure?.release == ReleaseNumber(2))
    #expect(world.app.failure?.cause.sentence.contains("would not boot") == true)
    #expect(world.history.filter { $0 == .deploymentFailed || $0 == .requestFailed }.count == 2)
    #expect(!world.history.contains(.deploymentReverted) && world.app.deployment == nil)
    #expect(world.board.requests.isEmpty)
  }

  /// An unreadable manifest may have a release phase.
  @Test(arguments: strides) func unreadableManifestStartsNothing(stride: Int) {
    var world = World.running()
    let before = world.app.liveRuns.map(\.id)
    let cause = Cause(.slugDamaged, "its manifest cannot be read")
    world.processes = .failure(cause)
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle(stride: stride)
    #expect(world.app.runs.allSatisfy { $0.release == ReleaseNumber(1) })
    #expect(world.app.liveRuns.map(\.id) == before)
    #expect(world.app.failure?.cause == cause && world.board.requests.isEmpty)
  }

  @Test(arguments: strides) func restartChangesOnlyItsInstance(stride: Int) {
    var world = World.running()
    let before = world.app.liveRuns
    world.request(.restartRequested) { $0.instance = InstanceName("web", 1) }
    world.settle(stride: stride)
    let after = world.app.liveRuns
    #expect(after.contains { $0.id == before[1].id }, "web.2 goes on")
    #expect(!after.contains { $0.id == before[0].id } && after.count == 2)
    #expect(world.fewestReady ?? 0 >= 1)
    #expect(world.history.last == .requestFinished)
  }

  @Test(arguments: strides) func failedRestartKeepsTheOldRun(stride: Int) {
    var world = World.running()
    let before = world.app.liveRuns.map(\.id)
    world.fates[ReleaseNumber(1)] = .crash
    world.request(.restartRequested) { $0.instance = InstanceName("web", 1) }
    world.settle(stride: stride)
    #expect(world.app.liveRuns.map(\.id) == before)
    #expect(world.history.last == .requestFailed)
  }

  @Test(arguments: strides) func rollbackMakesANewReleaseWithTheOldSlug(stride: Int) {
    var world = World.running()
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle(stride: stride)
    world.request(.rollbackRequested) { $0.from = ReleaseNumber(1) }
    world.settle(stride: stride)
    #expect(world.app.current == ReleaseNumber(3))
    #expect(world.app.currentRelease?.slug == "s1")
    #expect(world.readyReleases == ["web.1 v3", "web.2 v3"])
    #expect(world.fewestReady ?? 0 >= 1)
  }

  @Test(arguments: strides) func stopAndRestartKeepTheFormation(stride: Int) {
    var world = World.running()
    world.request(.stopRequested)
    world.settle(stride: stride)
    #expect(world.app.liveRuns.isEmpty && world.app.summary.state == .stopped)
    world.request(.restartRequested)
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
  }

  @Test(arguments: strides) func scaleStartsAndStopsInstances(stride: Int) {
    var world = World.running()
    world.processes = .success(["web", "worker"])
    world.request(.scaleRequested) { $0.formation = ["web": 1, "worker": 2] }
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v1", "worker.1 v1", "worker.2 v1"])
    #expect(world.board.requests.isEmpty)
  }

  @Test(arguments: strides) func workersNeverRunTwice(stride: Int) {
    var world = World.running()
    world.processes = .success(["web", "worker", "release"])
    world.request(.scaleRequested) { $0.formation = ["worker": 1] }
    world.settle(stride: stride)
    for type in [EventType.deployRequested, .restartRequested] {
      world.request(type) { $0.slug = "s2" }
      for _ in 0..<200 {
        if world.act(limit: stride) == 0, let next = world.plan().wakeAt { world.now = next }
        let workers = world.app.liveRuns.filter { $0.instance.process == "worker" }
        #expect(workers.count <= 1)
        world.live()
      }
      #expect(world.board.requests.isEmpty)
    }
    #expect(world.app.liveRuns.contains { $0.instance.process == "worker" && $0.state == .ready })
    #expect(world.history.contains(.deploymentFinished))
  }

  @Test func releasePhaseEndsBeforeAnyNewRun() {
    var world = World.running()
    world.processes = .success(["web", "release"])
    world.request(.deployRequested) { $0.slug = "s2" }
    _ = world.act()
    #expect(
      world.app.liveRuns.filter { $0.release == ReleaseNumber(2) }.map(\.instance.process) == [
        "release"
      ])
    world.settle()
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
  }

  /// A first release that did not pass its observation: there is nothing to go back to.
  @Test func crashesAreRestartedWithGrowingPausesUpToALimit() {
    var world = World()
    world.request(.deployRequested) { $0.slug = "s1" }
    for _ in 0..<40 where world.app.deployment?.hasSwitched != true {
      _ = world.act()
      world.live()
    }
    world.fates[ReleaseNumber(1)] = .crash
    var pauses: [Int64] = []
    let run = world.app.liveRuns[0]
    world.append(.instanceCrashed) {
      ($0.instance, $0.run, $0.cause) = (run.instance, run.id, Cause(.crashed, "it broke"))
    }
    for _ in 0..<200 where !world.history.contains(.instanceAbandoned) {
      world.settle()
      if let wakeAt = world.plan().wakeAt {
        pauses.append(wakeAt - world.now)
        world.now = wakeAt
      }
    }
    #expect(world.history.count { $0 == .instanceAbandoned } == 1)
    #expect(pauses == pauses.sorted() && pauses.count == AppReconciler.crashLimit - 1)
    #expect(world.app.summary == (.crashed, AppReconciler.crashLimit))
    // The other instance is untouched, and an operator can restart this one.
    #expect(world.readyReleases == ["web.2 v1"])
    world.fates = [:]
    world.request(.restartRequested)
    world.settle()
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
  }

  /// A full disk is not the instance's fault.
  @Test func instanceWithoutDiskSpaceWaitsForIt() {
    var world = World.running()
    for _ in 1..<AppReconciler.crashLimit {
      guard let run = world.app.liveRuns.first(where: { "\($0.instance)" == "web.1" }) else {
        break
      }
      world.append(.instanceCrashed) {
        ($0.instance, $0.run, $0.cause) = (run.instance, run.id, Cause(.diskFull, "no space"))
      }
      world.hasSpace = false
      let events = world.history.count
      world.now = world.now + 3_600_000
      world.settle()
      #expect(world.history.count == events && world.readyReleases == ["web.2 v1"])
      world.hasSpace = true
      world.settle()
      #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
    }
    #expect(!world.history.contains(.instanceAbandoned))
  }

  /// A full disk must not keep an instance down that crashed for another reason.
  @Test func otherCrashesAreRetriedOnAFullDisk() {
    var world = World.running()
    world.hasSpace = false
    let run = world.app.liveRuns[0]
    world.append(.instanceCrashed) {
      ($0.instance, $0.run, $0.cause) = (run.instance, run.id, Cause(.crashed, "it broke"))
    }
    world.now = world.now + 1000
    world.settle()
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
  }

  /// A failed call may succeed the next time.
  @Test func releaseThatCannotBeReadForNowWaits() {
    var world = World.running()
    world.processes = .failure(Cause(.system, "cannot read its manifest: too many open files"))
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    #expect(world.app.deployment != nil && world.plan().wakeAt == world.now + 1000)
    world.processes = .success(["web"])
    world.settle()
    #expect(world.app.current == ReleaseNumber(2) && world.board.requests.isEmpty)
  }

  @Test func hangingDeploymentEndsAtItsDeadline() {
    var world = World.hanging()
    #expect(world.board.requests.count == 1)
    world.now = world.now + 700_000
    world.settle()
    #expect(world.board.requests.isEmpty)
    #expect(world.app.failure?.cause.id == ProblemID.requestExpired.rawValue)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
  }

  @Test func stopEndsAHangingDeployment() {
    var world = World.hanging()
    world.request(.stopRequested)
    world.settle()
    #expect(world.app.liveRuns.isEmpty && world.board.requests.isEmpty)
    #expect(world.app.failure?.cause.sentence.contains("ana") == true)
  }

  /// Runs of a deployment that failed while the restart waited do not count for the restart.
  @Test(arguments: strides) func restartAfterAFailedDeploymentSucceeds(stride: Int) {
    var world = World.running()
    world.fates[ReleaseNumber(2)] = .hang
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    world.request(.restartRequested)
    let hanging = world.app.liveRuns.filter { $0.release == ReleaseNumber(2) }
    world.append(.instanceCrashed) {
      ($0.instance, $0.run) = (hanging[0].instance, hanging[0].id)
      $0.cause = Cause(.bootFailed, "it broke")
    }
    world.settle(stride: stride)
    #expect(world.board.requests.isEmpty && world.history.last == .requestFinished)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
  }

  /// A signal from outside ended a new run while it booted; it is started again.
  @Test(arguments: [EventType.deployRequested, .restartRequested])
  func newRunStoppedFromOutsideIsStartedAgain(type: EventType) {
    var world = World.running()
    world.request(type) { $0.slug = "s2" }
    _ = world.act()
    let new = world.app.liveRuns.max { $0.id < $1.id }
    world.append(.instanceStopped) { ($0.instance, $0.run) = (new?.instance, new?.id) }
    world.settle()
    #expect(world.board.requests.isEmpty && world.history.last == .requestFinished)
    #expect(world.app.liveRuns.count == 2)
  }

  @Test(arguments: [EventType.scaleRequested, .restartRequested, .deployRequested])
  func stopDoesNotWaitForAHangingRequest(type: EventType) {
    var world = World.running()
    for number in 1...2 { world.fates[ReleaseNumber(number)] = .hang }
    world.request(type) { ($0.slug, $0.formation) = ("s2", ["web": 3]) }
    world.settle()
    #expect(world.board.requests.count == 1)
    world.request(.stopRequested)
    world.settle()
    #expect(world.board.requests.isEmpty && world.app.liveRuns.isEmpty)
  }

  /// Accepting the request may change what is planned, so nothing else is planned with it.
  @Test func noRunStartsWhileAStopIsConsidered() {
    var world = World.running()
    let run = world.app.liveRuns[0]
    world.append(.instanceStopped) { ($0.instance, $0.run) = (run.instance, run.id) }
    world.request(.stopRequested)
    #expect(world.plan().actions.count == 1)
    world.settle()
    #expect(world.app.liveRuns.isEmpty && !world.history.suffix(4).contains(.instanceStarting))
  }

  @Test func configChangesDoNotStartAStoppedApp() {
    var world = World.running()
    world.request(.stopRequested)
    world.settle()
    world.request(.configRequested) { ($0.config, $0.base, $0.set) = ("c2", "c", ["COLOUR"]) }
    world.settle()
    #expect(world.app.current == ReleaseNumber(2) && world.app.liveRuns.isEmpty)
    #expect(world.app.summary.state == .stopped && world.app.formation == ["web": 2])
    world.request(.restartRequested)
    world.settle()
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
  }
}
