import Events
import HomeLayout
import Operations
import Testing

@testable import Deployment

/// Previews without processes: what is planned for them, whatever fails on the way.
struct PreviewReconcilerTests {
  /// A world with the app `shop` and a request for a preview of its pull request 1.
  private func world(
    scripts: Set<String> = ["postdeploy", "pr-predestroy"], slug: String = "s1"
  ) -> World {
    var world = World()
    world.board.apps["shop"] = Board.App(name: "shop", changed: world.now)
    world.name = "shop-pr-1"
    world.rollout = Board.Rollout()
    world.processes = .success(scripts.union(["web"]))
    open(&world, slug)
    return world
  }

  private func open(_ world: inout World, _ slug: String) {
    world.request(.previewOpenRequested) { ($0.parent, $0.pull, $0.slug) = ("shop", 1, slug) }
  }

  private func outcomes(_ world: World) -> [EventType] {
    world.history.filter { [.requestFinished, .requestFailed, .requestRejected].contains($0) }
  }

  private func runs(_ world: World, of process: String) -> Int {
    world.app.runs.count { $0.instance.process == process }
  }

  @Test(arguments: [Int.max, 4, 3, 2])
  func opensUpdatesAndCloses(stride: Int) {
    var world = world()
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
    #expect(world.app.preview?.opened != nil)
    #expect(world.history.count { $0 == .previewOpened } == 1)
    open(&world, "s2")
    world.settle(stride: stride)
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
    #expect(world.history.count { $0 == .previewOpened } == 1)
    world.request(.previewCloseRequested)
    world.settle(stride: stride)
    #expect(world.board.apps["shop-pr-1"] == nil)
    #expect(world.board.apps["shop"] != nil)
    #expect(outcomes(world) == [.requestFinished, .requestFinished, .requestFinished])
    #expect(world.board.requests.isEmpty)
  }

  /// A close ends what is under way; the newest opening wins over older ones.
  @Test func newerRequestsGoFirst() {
    var world = world()
    world.fates[ReleaseNumber(1)] = .hang
    world.settle()
    open(&world, "s2")
    world.settle()
    #expect(outcomes(world) == [.requestFailed, .requestFinished])
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
    world.fates[ReleaseNumber(3)] = .hang
    open(&world, "s3")
    world.settle()
    world.request(.previewCloseRequested)
    world.request(.restartRequested)
    world.settle()
    #expect(world.board.apps["shop-pr-1"] == nil)
    #expect(world.board.requests.isEmpty)
    #expect(outcomes(world).count { $0 == .requestFailed } == 3)
  }

  @Test func aFailedScriptIsTriedAgainByTheNextOpening() {
    var world = world()
    _ = world.act()
    world.live()
    world.live()
    _ = world.act()
    #expect(runs(world, of: "postdeploy") == 1)
    world.fates[ReleaseNumber(1)] = .crash
    world.live()
    world.live()
    _ = world.act()
    #expect(outcomes(world) == [.requestFailed])
    #expect(world.app.preview?.opened == nil)
    open(&world, "s2")
    world.settle()
    #expect(world.app.preview?.opened != nil)
  }

  /// What cannot be removed is told, and tried again; the preview stays known until then.
  @Test func leftoversAreTriedAgain() {
    var world = world()
    world.settle()
    world.removals = [.failure(Cause(.addOn, "the server is down"))]
    world.request(.previewCloseRequested)
    world.settle()
    #expect(outcomes(world) == [.requestFinished, .requestFailed])
    #expect(world.app.preview?.leftover?.sentence == "the server is down")
    #expect(world.app.liveRuns.isEmpty)
    // Nothing else can be done with it, and it is not opened again until it is gone.
    world.request(.restartRequested)
    open(&world, "s2")
    world.settle()
    #expect(outcomes(world).suffix(2) == [.requestFailed, .requestFailed])
    world.now = world.now + 61_000
    world.settle()
    #expect(world.board.apps["shop-pr-1"] == nil)
  }

  /// A script that hangs does not keep a preview from being closed.
  @Test func hangingPredestroyIsEnded() {
    var world = world(scripts: ["pr-predestroy"])
    world.settle()
    world.fates[ReleaseNumber(1)] = .hang
    world.request(.previewCloseRequested)
    world.settle()
    #expect(runs(world, of: "pr-predestroy") == 1)
    #expect(world.board.apps["shop-pr-1"] != nil)
    let wait = world.plan().wakeAt
    #expect(wait != nil)
    world.now = (wait ?? world.now) + 1
    world.settle()
    #expect(world.board.apps["shop-pr-1"] == nil)
  }

  @Test func sleepingAppsHaveNoRunsUntilTheyAreWoken() {
    var world = world(scripts: [])
    world.settle()
    world.append(.appSlept)
    world.settle()
    #expect(world.app.liveRuns.isEmpty)
    #expect(world.app.summary.state == .stopped)
    world.append(.appWoke)
    world.settle()
    #expect(world.readyReleases == ["web.1 v1", "web.2 v1"])
    #expect(world.app.crashes.isEmpty)
    // A deployment wakes it, too.
    world.append(.appSlept)
    open(&world, "s2")
    world.settle()
    #expect(world.readyReleases == ["web.1 v2", "web.2 v2"])
  }
}
