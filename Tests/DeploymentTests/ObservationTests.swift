import Events
import HomeLayout
import Operations
import Testing

@testable import Deployment

/// Numbers of actions after which the agent is killed; the last one is never reached.
private let strides = [1, 2, 3, Int.max]

/// A release after it became current: it is observed, and the old one comes back if it fails.
struct ObservationTests {
  private static let (one, two) = (ReleaseNumber(1), ReleaseNumber(2))

  /// A world in which v2 has just become current and v1 stands by.
  private static func observing(
    stride: Int = .max, _ prepare: (inout World) -> Void = { _ in }
  ) -> World {
    var world = World.running()
    prepare(&world)
    world.request(.deployRequested) { $0.slug = "s2" }
    for _ in 0..<400 where world.app.deployment?.hasSwitched != true {
      _ = world.act(limit: stride)
      world.live()
    }
    return world
  }

  private func crash(_ world: inout World, _ release: ReleaseNumber, only index: Int? = nil) {
    for run in world.app.liveRuns where run.release == release {
      if let index, run.instance.index != index { continue }
      world.append(.instanceCrashed) {
        ($0.instance, $0.run) = (run.instance, run.id)
        $0.cause = Cause(.crashed, "\(run.instance) of \(run.release) ended with exit code 1")
      }
    }
  }

  @Test func oldRunsStandBy() {
    var world = Self.observing()
    _ = world.act()
    #expect(world.app.current == Self.two && world.board.requests.count == 1)
    #expect(world.readyReleases == ["web.1 v1", "web.1 v2", "web.2 v1", "web.2 v2"])
    #expect(!world.app.currentRelease!.isHealthy)
    world.settle()
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
    #expect(world.app.currentRelease!.isHealthy && world.board.requests.isEmpty)
    #expect(world.history.last == .requestFinished)
  }

  @Test(arguments: strides, [1, nil]) func aCrashBringsTheOldReleaseBack(stride: Int, only: Int?) {
    var world = Self.observing(stride: stride)
    let old = world.app.liveRuns.filter { $0.release == Self.one }.map(\.id)
    crash(&world, Self.two, only: only)
    world.settle(stride: stride)
    #expect(world.app.current == Self.one && world.app.config == "c")
    #expect(world.app.liveRuns.map(\.id) == old, "the old runs never stopped")
    #expect(world.fewestReady ?? 0 >= 1)
    #expect(world.history.count { $0 == .deploymentReverted } == 1)
    #expect(world.history.last == .requestFailed && world.board.requests.isEmpty)
    #expect(world.app.failure?.cause.sentence.contains("of v2 ended with exit code 1") == true)
    #expect(world.app.release(Self.two)?.wasLeft == true)
    #expect(world.app.previousRelease == nil, "v2 is not what a rollback brings back")
  }

  /// Without standby, the new runs serve until the old release runs again.
  @Test(arguments: strides) func aRevertStartsOldRunsThatWereStopped(stride: Int) {
    var world = Self.observing(stride: stride) { $0.rollout.hasStandby = false }
    for _ in 0..<20 {
      _ = world.act(limit: stride)
      world.live()
    }
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
    crash(&world, Self.two, only: 1)
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
    #expect(world.fewestReady ?? 0 >= 1)
    #expect(world.history.count { $0 == .deploymentReverted } == 1)
  }

  @Test(arguments: strides) func exclusiveInstancesAreStartedAgain(stride: Int) {
    var world = World.running()
    world.processes = .success(["web", "worker"])
    world.request(.scaleRequested) { $0.formation = ["worker": 1] }
    world.settle()
    world.request(.deployRequested) { $0.slug = "s2" }
    for _ in 0..<400 where world.app.deployment?.hasSwitched != true {
      _ = world.act(limit: stride)
      world.live()
    }
    var mostWorkers = 0
    crash(&world, Self.two, only: 2)
    for _ in 0..<60 {
      _ = world.act(limit: stride)
      world.live()
      mostWorkers = max(mostWorkers, world.app.liveRuns.count { $0.instance.process == "worker" })
    }
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1", "worker.1 v1"])
    #expect(mostWorkers == 1)
  }

  /// Lost readiness counts at the end of the observation only.
  @Test(arguments: [false, true]) func readinessLost(comesBack: Bool) {
    var world = Self.observing()
    for run in world.app.liveRuns where run.release == Self.two {
      world.append(.instanceUnready) {
        ($0.instance, $0.run) = (run.instance, run.id)
        $0.cause = Cause(.notReady, "no answer")
      }
    }
    _ = world.act()
    #expect(world.app.current == Self.two)
    if comesBack {
      for run in world.app.liveRuns where run.release == Self.two {
        world.append(.instanceReady) { ($0.instance, $0.run) = (run.instance, run.id) }
      }
    }
    world.settle()
    #expect(world.app.current == (comesBack ? Self.two : Self.one))
  }

  @Test func aFirstReleaseHasNothingToGoBackTo() {
    var world = World()
    world.request(.deployRequested) { $0.slug = "s1" }
    for _ in 0..<400 where world.app.deployment?.hasSwitched != true {
      _ = world.act()
      world.live()
    }
    crash(&world, Self.one, only: 1)
    _ = world.act(limit: 2)
    #expect(world.app.current == Self.one && world.board.requests.isEmpty)
    let said = world.app.failure?.cause.sentence ?? ""
    #expect(said.hasSuffix("; there is no earlier release to go back to"))
  }

  @Test func aRollbackIsNeverReverted() {
    var world = World.running()
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    world.request(.rollbackRequested)
    for _ in 0..<400 where world.app.current != ReleaseNumber(3) {
      _ = world.act()
      world.live()
    }
    crash(&world, ReleaseNumber(3), only: 1)
    world.settle()
    #expect(world.app.current == ReleaseNumber(3))
    #expect(world.history.contains(.requestFailed) && !world.history.contains(.deploymentReverted))
  }

  @Test(arguments: strides) func theNextRequestEndsTheObservation(stride: Int) {
    var world = Self.observing(stride: stride)
    world.request(.deployRequested) { $0.slug = "s3" }
    let before = world.now
    for _ in 0..<400 where world.app.deployment?.release != ReleaseNumber(3) {
      _ = world.act(limit: stride)
      world.live()
    }
    #expect(world.now - before < 5000, "the deployment of v3 did not wait")
    #expect(world.app.release(Self.two)?.isHealthy == false)
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v3", "web.2 v3"])
    #expect(world.app.previousRelease?.number == Self.one, "v2 was not observed to the end")
  }

  @Test(arguments: strides) func cancelledInItsObservation(stride: Int) {
    var world = Self.observing(stride: stride)
    world.request(.cancelRequested)
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
    #expect(world.app.failure?.cause.sentence == "cancelled by ana")
    #expect(world.history.count { $0 == .requestFailed } == 1)
    #expect(world.history.count { $0 == .requestFinished } == 2, "v1 and the cancellation")
  }

  @Test func aRejectedRequestChangesNothing() {
    var world = Self.observing()
    world.request(.scaleRequested) { $0.formation = ["web": 1000] }
    _ = world.act()
    #expect(world.history.last == .requestRejected)
    #expect(world.app.deployment?.isObserved != true && world.app.deployment?.cause == nil)
    crash(&world, Self.two, only: 1)
    world.settle()
    #expect(world.app.current == Self.one, "the observation went on")
  }

  /// A run that lost its relshim is replaced in the observation; that is no crash.
  @Test(arguments: strides) func anOrphanIsReplacedMeanwhile(stride: Int) {
    var world = Self.observing(stride: stride)
    let run = world.app.liveRuns.first { $0.release == Self.two }!
    world.append(.instanceOrphaned) { ($0.instance, $0.run) = (run.instance, run.id) }
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
    #expect(world.app.currentRelease?.isHealthy == true && world.app.run(run.id)?.state != .ready)
  }

  /// The old release's web may run twice, the new one's may not: two runs of it never meet.
  @Test(arguments: strides) func exclusiveInOneReleaseOnly(stride: Int) {
    var world = World.running()
    world.rollout = Board.Rollout(observe: 10_000, exclusive: ["web"])
    world.fates[Self.two] = .hang
    world.request(.deployRequested) { $0.slug = "s2" }
    var most = 0
    for turn in 0..<40 {
      if turn == 20 { world.request(.cancelRequested) }
      _ = world.act(limit: stride)
      most = max(most, world.app.liveRuns.count { $0.instance.index == 1 })
      world.live()
    }
    world.settle(stride: stride)
    #expect(most == 1 && world.readyReleases == ["web.1 v1", "web.2 v1"])
  }

  @Test func shortMemoryEndsTheStandby() {
    var world = Self.observing()
    world.isMemoryShort = true
    for _ in 0..<5 {
      _ = world.act()
      world.live()
    }
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
    #expect(world.app.deployment?.isObserved != true)
  }

  /// Old runs finish their requests for the time of their drain; the next request does not wait for it.
  @Test func aDrainGoesOnBesideTheNextRequest() {
    var world = Self.observing { $0.rollout = Board.Rollout(observe: 0, drain: ["web": 60_000]) }
    let switched = world.now
    for _ in 0..<5 {
      _ = world.act()
      world.live()
    }
    #expect(world.readyReleases.count == 4 && world.board.requests.count == 1)
    world.request(.restartRequested)
    for _ in 0..<20 {
      _ = world.act()
      world.live()
    }
    #expect(world.board.requests.isEmpty)
    #expect(world.readyReleases.filter { $0.hasSuffix("v1") }.count == 2)
    world.now = switched + 60_100
    world.settle()
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
  }
}

/// Requests that end before they are done.
struct CancellationTests {
  @Test(arguments: strides) func cancelledBeforeTheSwitch(stride: Int) {
    var world = World.hanging()
    let old = world.app.liveRuns.filter { $0.release == ReleaseNumber(1) }.map(\.id)
    world.request(.cancelRequested)
    _ = world.act(limit: stride)
    for _ in 0..<20 { _ = world.act(limit: stride) }
    #expect(
      world.app.liveRuns.allSatisfy { $0.release == ReleaseNumber(1) || $0.state == .stopping })
    world.settle(stride: stride)
    #expect(world.app.liveRuns.map(\.id) == old && world.board.requests.isEmpty)
    #expect(world.app.failure?.cause.id == ProblemID.requestCancelled.rawValue)
  }

  /// Only the named request ends, though it is not the first.
  @Test func cancelledInTheQueue() throws {
    var world = World.hanging()
    world.request(.deployRequested) { $0.slug = "s3" }
    let queued = try #require(world.board.requests.last)
    world.request(.cancelRequested) { $0.request = queued.id }
    _ = world.act()
    #expect(world.board.requests.map(\.type) == [.deployRequested, .cancelRequested])
    #expect(world.app.deployment?.release == ReleaseNumber(2))
  }

  /// A rollback does not wait for a deployment that does not get ready; the current release needs no new runs.
  @Test(arguments: strides) func aRollbackEndsAHangingDeployment(stride: Int) {
    var world = World.hanging()
    let old = world.app.liveRuns.filter { $0.release == ReleaseNumber(1) }.map(\.id)
    let now = world.app.previousRelease?.number
    #expect(now == ReleaseNumber(1))
    world.request(.rollbackRequested) { $0.from = now }
    world.settle(stride: stride)
    #expect(world.app.liveRuns.map(\.id) == old && world.board.requests.isEmpty)
    #expect(world.app.current == ReleaseNumber(1) && world.app.releases.count == 2)
    #expect(world.history.count { $0 == .requestFinished } == 2, "v1 and the rollback")
  }

  @Test(arguments: strides) func aReleasePhaseIsStopped(stride: Int) {
    var world = World.running()
    world.processes = .success(["web", "release"])
    world.fates[ReleaseNumber(2)] = .hang
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle(stride: stride)
    // The deadline of the request does not end it, but its own limit would.
    world.now = world.now + 1_000_000
    #expect(world.act() == 0)
    world.request(.cancelRequested)
    world.settle(stride: stride)
    #expect(
      world.app.failure?.cause.sentence
        == "cancelled by ana during its release phase; a migration may be unfinished")
    #expect(world.app.liveRuns.allSatisfy { $0.instance.process == "web" })
  }

  @Test func aReleasePhaseHasALimit() {
    var world = World.running()
    world.processes = .success(["web", "release"])
    world.fates[ReleaseNumber(2)] = .hang
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    world.now = world.now + AppReconciler.phaseLimit + 1000
    world.settle()
    #expect(
      world.app.failure?.cause.sentence
        == "the release phase of v2 was ended after 60 minutes")
  }

  /// A rollback has a release phase only on request.
  @Test(arguments: [false, true]) func rollbackAndReleasePhase(isWanted: Bool) {
    var world = World.running()
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    world.processes = .success(["web", "release"])
    world.request(.rollbackRequested) { if isWanted { $0.phase = true } }
    world.settle()
    #expect(world.app.current == ReleaseNumber(3))
    #expect(world.app.runs.contains { $0.instance.process == "release" } == isWanted)
  }
}

/// Instances that crash again and again.
struct CrashLoopTests {
  /// Only a release that never was healthy, with nothing to go back to, is given up.
  @Test(arguments: [true, false]) func isGivenUpOrNot(isFirst: Bool) {
    var world = World()
    world.request(.deployRequested) { $0.slug = "s1" }
    if isFirst {
      for _ in 0..<400 where world.app.deployment?.hasSwitched != true {
        _ = world.act()
        world.live()
      }
    } else {
      world.settle()
    }
    world.fates[ReleaseNumber(1)] = .crash
    for run in world.app.liveRuns {
      world.append(.instanceCrashed) {
        ($0.instance, $0.run, $0.cause) = (run.instance, run.id, Cause(.crashed, "it crashed"))
      }
    }
    for _ in 0..<60 {
      _ = world.act()
      world.live()
      world.now = world.now + 61_000
    }
    let crashes = world.app.crashes[InstanceName("web", 1)]
    #expect(crashes?.isAbandoned == isFirst)
    #expect(isFirst ? crashes?.count == 8 : crashes?.count ?? 0 > 10)
  }
}

/// Many instances at once.
struct BatchTests {
  @Test func bootsAreBounded() {
    var world = World()
    world.request(.scaleRequested) { $0.formation = ["web": 60] }
    world = World.running()
    world.request(.scaleRequested) { $0.formation = ["web": 60] }
    var most = 0
    for _ in 0..<100 {
      _ = world.act()
      most = max(most, world.app.liveRuns.count { $0.state == .starting || $0.state == .booting })
      world.live()
    }
    #expect(most == 8 && world.readyReleases.count == 60)
  }

  /// A quarter of the instances at a time, so that most of them serve.
  @Test func restartsGoInBatches() {
    var world = World.running()
    world.request(.scaleRequested) { $0.formation = ["web": 12] }
    world.settle()
    world.request(.restartRequested)
    var most = 0
    for _ in 0..<200 {
      _ = world.act()
      most = max(most, world.app.liveRuns.count { $0.state == .starting || $0.state == .booting })
      world.live()
    }
    #expect(most == 3 && world.board.requests.isEmpty)
    #expect(world.readyReleases.count == 12)
  }
}

/// Deployments that replace a few instances at a time, because two sets of them do not fit into memory.
struct ReplacementTests {
  private static let batches = [1, 2]

  /// A world with five web instances of v1, and a request for v2.
  private static func deploying(batch: Int) -> World {
    var world = World.running()
    world.request(.scaleRequested) { $0.formation = ["web": 5] }
    world.settle()
    world.rollout.batch = batch
    world.fewestReady = nil
    world.request(.deployRequested) { $0.slug = "s2" }
    return world
  }

  /// Lets the world go on until `isOver`, and checks meanwhile that there are not too many runs.
  private func proceed(
    _ world: inout World, stride: Int = .max, batch: Int, extra: Int = 0,
    until isOver: (World) -> Bool
  ) {
    for _ in 0..<2000 where !isOver(world) {
      _ = world.act(limit: stride)
      #expect(world.app.liveRuns.count <= 5 + batch + extra, "\(world.history.suffix(9))")
      world.live()
      if let next = world.plan().wakeAt, world.plan().actions.isEmpty {
        world.now = min(next, world.now + 1000)
      }
    }
    #expect(isOver(world), "\(world.history.suffix(9))")
  }

  private func newRuns(_ world: World) -> [Board.Run] {
    world.app.liveRuns.filter { $0.release.value == 2 && $0.state == .ready }
  }

  private func tell(
    _ world: inout World, _ type: EventType, _ run: Board.Run, _ id: ProblemID = .crashed
  ) {
    world.append(type) {
      ($0.instance, $0.run, $0.cause) = (run.instance, run.id, Cause(id, "it failed"))
    }
  }

  private static func all(_ release: Int) -> [String] { (1...5).map { "web.\($0) v\(release)" } }

  @Test(arguments: strides, batches) func theReleaseIsReplacedInBatches(stride: Int, batch: Int) {
    var world = Self.deploying(batch: batch)
    proceed(&world, stride: stride, batch: batch) { $0.app.deployment?.hasSwitched == true }
    #expect(world.readyReleases == Self.all(2), "all are replaced before the switch")
    proceed(&world, stride: stride, batch: batch) { $0.board.requests.isEmpty }
    #expect(world.readyReleases == Self.all(2) && world.fewestReady == 5)
    #expect(world.history.last == .requestFinished && world.app.currentRelease!.isHealthy)
  }

  /// A new run that fails before the switch ends the deployment; those that have taken the place of old ones serve until
  /// the old ones are back.
  @Test(arguments: [1, 2, 4], [EventType.instanceCrashed, .instanceUnready])
  func aFailureBeforeTheSwitch(count: Int, how: EventType) {
    var world = Self.deploying(batch: 1)
    proceed(&world, batch: 1) { newRuns($0).count >= count }
    tell(&world, how, newRuns(world)[0])
    proceed(&world, batch: 1, extra: 4) {
      $0.board.requests.isEmpty && $0.readyReleases == Self.all(1)
    }
    #expect((world.fewestReady ?? 0) >= 4)
    #expect(world.history.contains(.deploymentFailed))
    #expect(!world.history.contains(.deploymentReverted))
  }

  @Test(arguments: batches) func aFailureAfterTheSwitchIsReverted(batch: Int) {
    var world = Self.deploying(batch: batch)
    proceed(&world, batch: batch) { $0.app.deployment?.hasSwitched == true }
    tell(&world, .instanceCrashed, newRuns(world)[0])
    proceed(&world, batch: batch, extra: 4) {
      $0.board.requests.isEmpty && $0.readyReleases == Self.all(1)
    }
    #expect((world.fewestReady ?? 0) >= 4 && world.history.contains(.deploymentReverted))
  }

  /// Requests while instances of both releases serve, and what runs in the end.
  @Test(
    arguments: [
      (.rollbackRequested, all(1)), (.cancelRequested, all(1)), (.stopRequested, []),
      (.limitsRequested, all(2)), (.restartRequested, all(2)), (.deployRequested, all(3)),
    ] as [(EventType, [String])], strides)
  func requestsMeanwhile(_ request: (EventType, [String]), stride: Int) {
    let (type, expected) = request
    var world = Self.deploying(batch: 1)
    proceed(&world, batch: 1) { newRuns($0).count == 2 }
    world.request(type) {
      if type == .deployRequested { $0.slug = "s3" }
      if type == .limitsRequested { $0.limits = ["pids": 500] }
    }
    _ = world.act(limit: stride)
    proceed(&world, stride: stride, batch: 1, extra: 5) {
      $0.board.requests.isEmpty && $0.readyReleases == expected
    }
    if type == .limitsRequested {
      let finished = world.history.firstIndex(of: .requestFinished, after: .limitsRequested)
      let ended = world.history.firstIndex(of: .deploymentFinished, after: .limitsRequested)
      #expect(finished != nil && ended != nil && finished! < ended!, "it waits for nothing")
    }
    if type != .stopRequested { #expect((world.fewestReady ?? 0) >= 4) }
  }

  /// An old run that waits for its turn is not taken away because its check fails.
  @Test func oldRunsStayUntilTheirTurn() {
    var world = Self.deploying(batch: 1)
    proceed(&world, batch: 1) { newRuns($0).count == 1 }
    let old = world.app.liveRuns.filter { $0.release.value == 1 && $0.instance.index > 2 }
    for run in old { tell(&world, .instanceUnready, run, .notReady) }
    _ = world.act()
    #expect(world.app.liveRuns.count { $0.release.value == 1 && $0.state == .unready } == old.count)
    proceed(&world, batch: 1) { $0.board.requests.isEmpty }
    #expect(world.readyReleases == Self.all(2))
  }

  /// A process type that the new release does not have any more holds nothing up.
  @Test func aTypeThatIsDropped() {
    var world = World()
    world.processes = .success(["web", "worker"])
    world.request(.deployRequested) { $0.slug = "s1" }
    world.settle()
    world.request(.scaleRequested) { $0.formation = ["web": 3, "worker": 2] }
    world.settle()
    world.processes = .success(["web"])
    world.rollout.batch = 1
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    #expect(world.board.requests.isEmpty && world.app.current == ReleaseNumber(2))
    #expect(world.readyReleases.filter { $0.hasPrefix("web") } == (1...3).map { "web.\($0) v2" })
  }

  /// The log may hold any number.
  @Test(arguments: [Int.max, Int.min, 0]) func aBatchThatMakesNoSense(batch: Int) {
    var world = Self.deploying(batch: batch)
    world.settle()
    #expect(world.readyReleases == Self.all(2) && world.board.requests.isEmpty)
  }

  @Test func restartsFollowAppJSON() {
    var world = World.running()
    world.rollout.batch = 2
    world.request(.deployRequested) { $0.slug = "s2" }
    world.settle()
    #expect(world.app.batch(of: 100) == 2)
  }

  @Test(
    arguments: [
      (nil, 1000, nil), (nil, 200, nil), (2, 1000, nil),
      (nil, 199, BatchSize(count: 1, reason: "a second set needs 200 MB, and 199 MB are free")),
      (1, 1000, BatchSize(count: 1, reason: "as app.json says")),
    ] as [(Int?, Int, BatchSize?)])
  func theSizeOfBatches(chosen: Int?, free: Int, expected: BatchSize?) {
    func size(_ app: Board.App) -> BatchSize? {
      BatchSize.of(
        app, Board.Rollout(batch: chosen), formation: ["web": 2, "worker": 9],
        bytes: ["web": 100 << 20, "worker": 1 << 40],
        memory: (total: 1000 << 20, available: (free + 50) << 20))
    }
    #expect(size(World.running().app) == expected)
    #expect(size(World().app) == nil, "a first release replaces nothing")
  }
}

/// Ready instances that stop answering.
struct LivenessTests {
  private func lose(_ world: inout World, _ instance: String, _ id: ProblemID) {
    for run in world.app.liveRuns where run.instance.description == instance && run.state == .ready
    {
      world.append(.instanceUnready) {
        ($0.instance, $0.run) = (run.instance, run.id)
        $0.cause = Cause(id, "\(run.instance) does not answer")
      }
    }
  }

  private func wait(_ world: inout World, _ milliseconds: Int64) {
    let end = world.now + milliseconds
    while world.now < end {
      _ = world.act()
      world.live()
      world.now = world.now + 1000
    }
  }

  /// Only an instance that does not answer at all is replaced, its successor first; not if others are unready too.
  @Test(arguments: [
    ([("web.1", ProblemID.notAlive)], true), ([("web.1", .notReady)], false),
    ([("web.1", .notAlive), ("web.2", .notAlive)], false),
    ([("web.1", .notAlive), ("web.2", .notReady)], false),
  ])
  func replacement(_ lost: [(String, ProblemID)], isReplaced: Bool) {
    var world = World.running()
    let before = world.app.liveRuns.map(\.id)
    for (instance, id) in lost { lose(&world, instance, id) }
    wait(&world, 10_000)
    #expect(world.app.liveRuns.map(\.id) == before, "others may fail the same check meanwhile")
    wait(&world, 60_000)
    #expect((world.app.liveRuns.map(\.id) != before) == isReplaced)
    #expect(world.readyReleases.count == (isReplaced ? 2 : 2 - lost.count))
  }

  /// When an outage ends, one instance is ready before the other.
  @Test func theSlowerInstanceIsNotReplacedAfterAnOutage() {
    var world = World.running()
    let before = world.app.liveRuns.map(\.id)
    for instance in ["web.1", "web.2"] { lose(&world, instance, .notAlive) }
    wait(&world, 60_000)
    for instance in ["web.1", "web.2"] {
      let run = world.app.liveRuns.first { $0.instance.description == instance }
      world.append(.instanceReady) { ($0.instance, $0.run) = (run?.instance, run?.id) }
      wait(&world, 3000)
    }
    #expect(world.app.liveRuns.map(\.id) == before)
    #expect(world.readyReleases.count == 2)
  }

  @Test func theSuccessorComesFirst() {
    var world = World.running()
    world.fates[ReleaseNumber(1)] = .hang
    lose(&world, "web.1", .notAlive)
    wait(&world, 40_000)
    let mine = world.app.liveRuns.filter { $0.instance.description == "web.1" }
    #expect(
      mine.map(\.state) == [.unready, .booting], "the old run stays until the new one is ready")
  }

  @Test func anExclusiveInstanceIsEndedFirst() {
    var world = World.running()
    world.processes = .success(["web", "worker"])
    world.request(.scaleRequested) { $0.formation = ["worker": 1] }
    world.settle()
    lose(&world, "worker.1", .notAlive)
    var most = 0
    for _ in 0..<60 {
      wait(&world, 1000)
      most = max(most, world.app.liveRuns.count { $0.instance.process == "worker" })
    }
    #expect(most == 1 && world.readyReleases.contains("worker.1 v1"))
  }
}

/// Runs whose `relshim` was killed.
struct OrphanTests {
  @Test(arguments: [1, 2, Int.max]) func serveUntilTheirSuccessorsAreReady(stride: Int) {
    var world = World.running()
    let before = world.app.liveRuns.map(\.id)
    for run in world.app.liveRuns {
      world.append(.instanceOrphaned) { ($0.instance, $0.run) = (run.instance, run.id) }
    }
    #expect(world.readyReleases.count == 2 && world.app.summary.state == .ready)
    world.fewestReady = nil
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"] && world.fewestReady == 2)
    #expect(Set(world.app.liveRuns.map(\.id)).isDisjoint(with: before))
    #expect(world.app.liveRuns.allSatisfy { $0.isOrphan != true })
  }

  /// A successor that crashes is not started again without a pause, and the orphan serves meanwhile.
  @Test func aCrashingSuccessorHasItsPause() {
    var world = World.running()
    let run = world.app.liveRuns[0]
    world.fates[ReleaseNumber(1)] = .crash
    world.append(.instanceOrphaned) { ($0.instance, $0.run) = (run.instance, run.id) }
    world.settle()
    #expect(world.readyReleases.count == 2 && world.plan().wakeAt != nil)
    #expect(world.app.crashes[run.instance]?.count == 1)
  }
}

extension [EventType] {
  /// The place of the first event of a type behind the last one of another.
  fileprivate func firstIndex(of type: EventType, after other: EventType) -> Int? {
    lastIndex(of: other).flatMap { start in self[start...].firstIndex(of: type) }
  }
}
