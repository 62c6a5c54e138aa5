import Events
import Posix
import Testing

@testable import Deployment

/// When the agent looks at a run again though nothing wakes it.
struct WatchedRunTests {
  private func run() -> WatchedRun {
    var run = WatchedRun(app: "shop")
    run.folderWatch = 1
    return run
  }

  private func child() throws -> Child {
    try Child.start(Invocation(["true"], in: "/", environment: ["PATH": "/bin:/usr/bin"]))
  }

  @Test func nothingIsDueByItself() { #expect(run().wakeAt(.ready) == nil) }

  @Test func folderThatCannotBeWatchedIsLookedAt() {
    #expect((WatchedRun(app: "shop").wakeAt(.ready) ?? .max) <= Clock.monotonic() + 1000)
  }

  @Test func theEarlierOfTwoLooksCounts() {
    var run = run()
    run.lookAgain(in: 50)
    run.lookAgain(in: 5000)
    #expect((run.wakeAt(.ready) ?? .max) <= Clock.monotonic() + 50)
    run.beginLook()
    #expect(run.wakeAt(.ready) == nil)
  }

  @Test func launchedRunIsDueOnceAndNotAfterItWasSeenAlive() throws {
    var run = run()
    run.noteLaunch(try child())
    #expect(run.isLaunching && run.wakeAt(.starting) != nil)
    run.noteLife()
    #expect(!run.isLaunching && run.wakeAt(.starting) == nil)
    let shim = run.takeShim()
    #expect(shim != nil && run.takeShim() == nil)
    _ = shim?.wait()
  }

  @Test func onlyAShimOfItsOwnIsReaped() throws {
    var run = run()
    #expect(!run.reap() && run.shimExit == nil)
    let child = try child()
    run.noteLaunch(child)
    while !run.reap() { Clock.pause(milliseconds: 1) }
    #expect(run.shimExit == .code(0))
  }

  /// A process between two programs shows no environment, so one look that finds nothing is not enough.
  @Test func whatItLeftIsLookedForTwice() {
    var run = run()
    let looks = [true, true].map { run.noteKill($0) }
    #expect(looks == [false, true])
  }

  @Test func buryingIsNotTriedAgainAtOnce() {
    var run = run()
    let tries = [run.mayBury(), run.mayBury()]
    #expect(tries == [true, false])
  }
}
