import Events
import HomeLayout
import Posix

/// What the agent holds of a run that has not ended: its gate, the `relshim` it started, and what wakes it when something
/// happens to the run.
struct WatchedRun {
  let app: String
  var gate: RunWatch?
  /// The number under which changes in its folder are noticed; nil where the folder cannot be watched.
  var folderWatch: Int32?
  /// The `relshim` that this agent started, until it has ended.
  private var shim: Child?
  private(set) var shimExit: Exit?
  private var launchedAt: Int64?
  /// When to try again to launch it, on the monotonic clock.
  var launchAgain: Int64?

  /// Milliseconds that a new `relshim` has to write its status.
  private static let launchLimit: Int64 = 5000
  /// Milliseconds between two looks at a folder that cannot be watched.
  private static let unwatchedPause: Int64 = 1000

  init(app: String) { self.app = app }

  mutating func noteLaunch(_ shim: Child) {
    (self.shim, launchedAt, launchAgain) = (shim, Clock.monotonic(), nil)
  }

  /// Whether its `relshim` was started a moment ago and may not have written yet.
  var isLaunching: Bool {
    launchedAt.map { Clock.monotonic() - $0 < Self.launchLimit } ?? false
  }

  /// - Returns: whether its `relshim` has ended.
  mutating func reap() -> Bool {
    guard let exit = shim?.exitIfEnded() else { return false }
    (shim, shimExit) = (nil, exit)
    return true
  }

  // MARK: - What wakes the agent

  var interests: [Poll.Interest] { gate?.descriptors.map { Poll.Interest($0) } ?? [] }
  var nodeInterests: [Poll.Interest] { gate?.nodeInterests ?? [] }
  var nodeTick: Int64? { gate?.nodeTick }

  /// When to look at the run again, on the monotonic clock, if nothing wakes the agent before.
  func wakeAt(_ state: RunState) -> Int64? {
    let moments = [
      launchAgain,
      gate?.hasProcess == true ? gate?.wakeAt(state) : launchedAt.map { $0 + Self.launchLimit },
      folderWatch == nil ? Clock.monotonic() + Self.unwatchedPause : nil,
    ]
    return moments.compactMap { $0 }.min()
  }

  mutating func note(_ ready: [Poll.Ready]) { gate?.note(ready) }
  mutating func advanceNode(_ ready: [Poll.Ready]) -> Bool { gate?.advanceNode(ready) == true }
}
