import Events
import Posix

/// The agent's state for a live run: its check, the `relshim` that the agent started, and what
/// wakes the agent when the run changes.
struct WatchedRun {
  let app: String
  var gate: RunWatch?
  /// The id of the watch on the run's folder; nil if the folder cannot be watched.
  var folderWatch: Int32?
  /// The `relshim` that this agent started; nil once it has ended.
  private var shim: Child?
  private(set) var shimExit: Exit?
  private var launchedAt: Int64?
  /// When to look again at what was not done at once, on the monotonic clock.
  private var lookAgainAt: Int64?
  /// When processes that the run left behind were first killed.
  private var killedAt: Int64?
  private var buriedAt: Int64?
  /// When the processes of a run without `relshim` were first asked to end.
  private var orphanAskedAt: Int64?

  /// Milliseconds in which a new `relshim` must write its status.
  private static let launchLimit: Int64 = 5000
  /// Milliseconds between two rounds of killing leftover processes, and for all rounds.
  private static let killPause: Int64 = 10
  private static let killLimit: Int64 = 5000
  private static let buryPause: Int64 = 1000
  /// Milliseconds between two looks at a run without `relshim`, and for which it may take to end.
  static let orphanPause: Int64 = 500
  private static let orphanGrace: Int64 = 30_000
  /// Milliseconds between two looks at a folder that cannot be watched.
  private static let unwatchedPause: Int64 = 1000

  init(app: String) { self.app = app }

  private var toldAnswer: String?

  /// - Returns: whether the answer differs from the last one.
  mutating func isNewAnswer(_ answer: String?) -> Bool {
    defer { toldAnswer = answer }
    return toldAnswer != answer
  }

  mutating func noteLaunch(_ shim: Child) {
    (self.shim, launchedAt) = (shim, Clock.monotonic())
  }

  /// The run's `relshim` has been seen alive.
  mutating func noteLife() { launchedAt = nil }

  /// Gives away the `relshim`, if it has not ended.
  mutating func takeShim() -> Child? {
    defer { shim = nil }
    return shim
  }

  /// Whether to try now to make sure that nothing starts the run. Each try changes its folder, which wakes the agent.
  mutating func mayBury() -> Bool {
    let now = Clock.monotonic()
    if let buriedAt, now - buriedAt < Self.buryPause { return false }
    buriedAt = now
    lookAgain(in: Self.buryPause)
    return true
  }

  /// Whether the run's `relshim` was started a moment ago and may not have written its status yet.
  var isLaunching: Bool {
    launchedAt.map { Clock.monotonic() - $0 < Self.launchLimit } ?? false
  }

  mutating func lookAgain(in milliseconds: Int64) {
    lookAgainAt = min(lookAgainAt ?? .max, Clock.monotonic() + milliseconds)
  }

  /// Notes that processes that the run left behind were killed, or that there were none. During execve(2) a process
  /// seems to have an empty environment, so one look is not enough.
  /// - Returns: whether no process is left, or killing was tried for so long that it cannot succeed.
  mutating func noteKill(_ wereNone: Bool) -> Bool {
    let now = Clock.monotonic()
    if let killedAt, wereNone || now - killedAt >= Self.killLimit { return true }
    killedAt = killedAt ?? now
    lookAgain(in: Self.killPause)
    return false
  }

  /// Notes that the processes of a run without `relshim` are asked to end, or that none is left.
  /// - Returns: whether none is left, or their time is over.
  mutating func noteOrphanEnd(_ areGone: Bool) -> Bool {
    let now = Clock.monotonic()
    let began = orphanAskedAt ?? now
    orphanAskedAt = began
    if areGone || now - began >= Self.orphanGrace { return true }
    lookAgain(in: Self.orphanPause)
    return false
  }

  /// The run is looked at now.
  mutating func beginLook() { lookAgainAt = nil }

  /// - Returns: whether its `relshim` has ended.
  mutating func reap() -> Bool {
    guard let exit = shim?.exitIfEnded() else { return false }
    (shim, shimExit) = (nil, exit)
    return true
  }

  var interests: [Poll.Interest] { gate?.descriptors.map { Poll.Interest($0) } ?? [] }
  var nodeInterests: [Poll.Interest] { gate?.nodeInterests ?? [] }
  var nodeTick: Int64? { gate?.nodeTick }

  /// When to look at the run again, on the monotonic clock; nil if only an event matters.
  func wakeAt(_ state: RunState) -> Int64? {
    let moments = [
      lookAgainAt,
      gate?.hasProcess == true ? gate?.wakeAt(state) : nil,
      isLaunching ? launchedAt.map { $0 + Self.launchLimit } : nil,
      folderWatch == nil ? Clock.monotonic() + Self.unwatchedPause : nil,
    ]
    return moments.compactMap { $0 }.min()
  }

  mutating func note(_ ready: [Poll.Ready]) { gate?.note(ready) }

  /// Whether a check of a ready run was begun or has passed, and nothing else is to be done for the run.
  mutating func passesQuietly(_ run: Board.Run) -> Bool {
    lookAgainAt == nil && folderWatch != nil && launchedAt == nil
      && gate?.passesQuietly(run) == true
  }

  mutating func advanceNode(_ ready: [Poll.Ready]) -> Bool { gate?.advanceNode(ready) == true }
}
