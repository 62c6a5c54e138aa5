import Events
import HomeLayout
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
  /// When to try launching the run again, on the monotonic clock.
  var launchAgain: Int64?

  /// Milliseconds in which a new `relshim` must write its status.
  private static let launchLimit: Int64 = 5000
  /// Milliseconds between two looks at a folder that cannot be watched.
  private static let unwatchedPause: Int64 = 1000

  init(app: String) { self.app = app }

  mutating func noteLaunch(_ shim: Child) {
    (self.shim, launchedAt, launchAgain) = (shim, Clock.monotonic(), nil)
  }

  /// Whether the run's `relshim` was started a moment ago and may not have written its status yet.
  var isLaunching: Bool {
    launchedAt.map { Clock.monotonic() - $0 < Self.launchLimit } ?? false
  }

  /// - Returns: whether the run's `relshim` has ended.
  mutating func reap() -> Bool {
    guard let exit = shim?.exitIfEnded() else { return false }
    (shim, shimExit) = (nil, exit)
    return true
  }

  // MARK: - What wakes the agent

  var interests: [Poll.Interest] { gate?.descriptors.map { Poll.Interest($0) } ?? [] }
  var nodeInterests: [Poll.Interest] { gate?.nodeInterests ?? [] }
  var nodeTick: Int64? { gate?.nodeTick }

  /// When to look at the run again, on the monotonic clock; nil if only an event matters.
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
