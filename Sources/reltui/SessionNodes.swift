import Events
import HomeLayout
import Journal
import NodeModel
import NodeWatch
import Observation
import Operations
import Posix

/// The nodes of a session: what the screen knows of them, and what is being done to them.
struct SessionNodes {
  private(set) var fleet: NodeFleet
  /// Whether there is more than the screen was told.
  private var isStale = false
  private var lastTold: Int64 = 0
  /// Requests of ours that are being carried out, with the app each is about and when it is given up, on the
  /// monotonic clock.
  private var open: [String: (app: String?, deadline: Int64)] = [:]
  private var runs: Set<UInt64> = []

  /// A booting node changes many times a second, and nobody reads as fast.
  private static let tellInterval: Int64 = 100
  /// Starting an application may take a minute.
  static let actionLimit: Int64 = 120_000

  init(_ fleet: NodeFleet) { self.fleet = fleet }

  /// Takes in which runs there are.
  /// - Returns: whether that changed the nodes.
  mutating func know(_ board: Board) -> Bool {
    let live = Set(board.apps.values.flatMap { $0.liveRuns.filter { $0.node != nil }.map(\.id) })
    if live == runs { return false }
    runs = live
    fleet.know(board)
    return true
  }

  mutating func attend(_ attention: NodeAttention) { fleet.attend(attention) }

  /// When `advance` is to be called at the latest, in milliseconds of the monotonic clock.
  var nextTick: Int64? {
    let told = isStale ? lastTold + Self.tellInterval : nil
    let deadline = open.isEmpty ? nil : Clock.monotonic() + 1000
    return [fleet.nextTick, told, deadline].compactMap { $0 }.min()
  }

  /// - Returns: whether the screen is to be told of the nodes now.
  mutating func advance(_ ready: [Poll.Ready], now: Int64 = Clock.monotonic()) -> Bool {
    if fleet.advance(ready, now: now) { isStale = true }
    guard isStale, now - lastTold >= Self.tellInterval else { return false }
    (isStale, lastTold) = (false, now)
    return true
  }

  mutating func takeLogs() -> [NodeLogPart] { fleet.takeLogs() }

  // MARK: - Actions

  mutating func perform(_ action: NodeAction, on node: String, request: Event) {
    open[request.id] = (request.app, Clock.monotonic() + Self.actionLimit)
    fleet.perform(action, on: node, id: request.id)
  }

  /// What has come of requests since, those included whose time is over.
  mutating func takeOutcomes() -> [(id: String, app: String?, cause: Cause?)] {
    let now = Clock.monotonic()
    var ended: [(id: String, app: String?, cause: Cause?)] = []
    for (id, outcome) in fleet.takeOutcomes() {
      guard let request = open.removeValue(forKey: id) else { continue }
      if case .failure(let cause) = outcome {
        ended.append((id, request.app, cause))
      } else {
        ended.append((id, request.app, nil))
      }
    }
    for (id, request) in open where request.deadline <= now {
      open[id] = nil
      fleet.giveUp(id)
      ended.append((id, request.app, Cause(.requestExpired, "the node did not answer in time")))
    }
    return ended
  }

  /// Ends every connection. What is still open is nobody's any more.
  mutating func leave() -> [(id: String, app: String?, cause: Cause?)] {
    let left = open.map { id, request in
      (
        id: id, app: request.app,
        cause: Optional(
          Cause(.requestGivenUp, "the dashboard was left before the node had answered"))
      )
    }
    open = [:]
    fleet.leave()
    return left
  }
}
