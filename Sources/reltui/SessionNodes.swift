import Events
import NodeModel
import Observation
import Operations
import Posix

/// The nodes of a session, watched on a thread of their own: what is known of them, and the actions
/// on them that have no outcome yet.
struct SessionNodes {
  private let worker: FleetWorker
  /// Nil before the first order, whose answer names the nodes.
  private var attention: NodeAttention?
  private(set) var reports: [NodeReport] = []
  /// The counts of orders given and carried out.
  private var orders = (sent: 0, done: 0)
  /// Requests of this session that are being carried out, with the app that each is about and its
  /// deadline on the monotonic clock.
  private var open: [String: (app: String?, deadline: Int64)] = [:]
  private var runs: Set<UInt64> = []

  /// How an action ended: the id of its request, the app, and the cause of a failure.
  typealias Outcome = (id: String, app: String?, cause: Cause?)

  /// Milliseconds that an action may take: starting an application may take a minute.
  static let actionLimit: Int64 = 120_000
  /// Milliseconds that leaving may take before connections are dropped.
  private static let leaveLimit: Int64 = 1000

  init(_ worker: FleetWorker) { self.worker = worker }

  /// Readable when there is news of nodes.
  var descriptor: Int32 { worker.descriptor }

  private mutating func send(_ order: @escaping FleetWorker.Order) {
    orders.sent += 1
    worker.send(order)
  }

  mutating func know(_ board: Board) {
    let live = Set(board.apps.values.flatMap { $0.liveRuns.filter { $0.node != nil }.map(\.id) })
    if live == runs { return }
    runs = live
    send { $0.know(board) }
  }

  mutating func attend(_ attention: NodeAttention) {
    if attention == self.attention { return }
    self.attention = attention
    send { $0.attend(attention) }
  }

  /// The time at which `take` is to be called at the latest, on the monotonic clock.
  var nextTick: Int64? { open.values.map(\.deadline).min() }

  /// Takes what has arrived: all reports if any has changed, log lines, outcomes of actions.
  mutating func take() -> (reports: [NodeReport]?, logs: [NodeLogPart], outcomes: [Outcome]) {
    var changed: [NodeReport]?
    var (logs, ended): ([NodeLogPart], [Outcome]) = ([], [])
    for news in worker.takeNews() {
      orders.done = news.done
      changed = news.reports ?? changed
      logs += news.logs
      ended += news.outcomes.compactMap { end($0.id, $0.outcome) }
    }
    if changed == reports { changed = nil }
    reports = changed ?? reports
    return (changed, logs, ended + expired())
  }

  /// Whether every watched node has reported the wanted parts, or cannot.
  func isSettled(for parts: NodeAttention.Parts) -> Bool {
    guard orders.sent == orders.done else { return false }
    return reports.allSatisfy { report in
      guard let wanted = attention?.nodes[report.id]?.intersection(parts) else { return true }
      switch report.state {
      case .idle, .connecting: return wanted.isEmpty
      case .silent, .down: return true
      case .up:
        return (!wanted.contains(.vitals) || report.snapshot != nil)
          && (!wanted.contains(.processes) || report.survey != nil)
      }
    }
  }

  mutating func perform(_ action: NodeAction, on node: String, request: Event) {
    open[request.id] = (request.app, Clock.monotonic() + Self.actionLimit)
    let id = request.id
    send { $0.perform(action, on: node, id: id) }
  }

  private mutating func end(_ id: String, _ outcome: Result<Void, Cause>) -> Outcome? {
    guard let request = open.removeValue(forKey: id) else { return nil }
    if case .failure(let cause) = outcome { return (id, request.app, cause) }
    return (id, request.app, nil)
  }

  private mutating func expired() -> [Outcome] {
    let now = Clock.monotonic()
    return open.filter { $0.value.deadline <= now }.map { id, request in
      open[id] = nil
      send { $0.giveUp(id) }
      return (id, request.app, Cause(.requestExpired, "the node did not answer in time"))
    }
  }

  /// Closes every connection.
  /// - Returns: the open requests, which end with the session.
  mutating func leave() -> [Outcome] {
    send { $0.leave() }
    let end = Clock.monotonic() + Self.leaveLimit
    var ended = take().outcomes
    while orders.done < orders.sent,
      (try? Poll.isReady(Poll.Interest(descriptor), before: end)) == true
    {
      ended += take().outcomes
    }
    ended += open.map { id, request in
      let sentence = "the dashboard was left before the node had answered"
      return (id, request.app, Cause(.requestGivenUp, sentence))
    }
    open = [:]
    return ended
  }
}
