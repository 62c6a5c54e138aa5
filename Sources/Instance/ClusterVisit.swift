import ErlangDistribution
import ErlangTerm
import Events
import NodeWatch
import Posix

/// One visit to the node of a run: it asks the node which other nodes it is connected with, and has it connect with those
/// that it lacks.
///
/// It never blocks: the caller polls `interests` and calls `advance`.
public struct ClusterVisit: Sendable {
  /// The names of the nodes that the visited one is connected with, of those that it should be.
  public struct Links: Hashable, Sendable {
    /// When the visit began.
    public var before: Set<String>
    public var after: Set<String>

    public init(before: Set<String>, after: Set<String>) {
      (self.before, self.after) = (before, after)
    }
  }

  public enum Outcome: Hashable, Sendable {
    case links(Links)
    /// The run has no node: nothing has registered its name.
    case noNode
    case failed(Cause)
  }

  private var connection: Connection?
  private let others: Set<String>
  private var question: CallID?
  private var before: Set<String> = []
  private var after: Set<String> = []
  private var connecting: [CallID: String] = [:]
  private var outcome: Outcome?

  /// Milliseconds in which a node answers which others it knows, and in which it connects with one; it gives up itself
  /// after seven seconds. Source: `net_setuptime`, Kernel application.
  private static let questionTime: Int64 = 5000
  private static let connectTime: Int64 = 10_000

  /// - Parameter others: the names of the nodes with which it should be connected.
  public init(_ run: RunSpecification, others: Set<String>) {
    self.others = others
    let name = run.run.node ?? ""
    guard let node = ErlangDistribution.NodeName(name) else {
      outcome = .failed(Cause(.nodeName, "'\(name)' is not the name of a node"))
      return
    }
    do throws(Cookie.FileProblem) {
      let cookie = try Cookie.read(file: run.cookieFile)
      let address = NodeAddress(name: node, host: nil, door: .epmd(port: run.epmdPort))
      do throws(DistributionError) {
        connection = try Connection(to: address, cookie: cookie)
      } catch {
        outcome = Self.outcome(of: error)
      }
    } catch { outcome = .failed(Cause(error)) }
  }

  public var interests: [Poll.Interest] { connection?.interest.map { [$0] } ?? [] }

  /// When to call `advance` at the latest, on the monotonic clock.
  public var nextTick: Int64 { connection?.nextTick ?? 0 }

  /// Does everything that is possible without waiting.
  /// - Returns: the outcome, once there is one. Then the connection is closed.
  public mutating func advance(
    _ ready: [Poll.Ready], now: Int64 = Clock.monotonic()
  ) -> Outcome? {
    if outcome == nil, let interest = connection?.interest {
      do throws(DistributionError) {
        let mine = ready.first { $0.descriptor == interest.descriptor }
        for event in try connection?.advance(mine, now: now) ?? [] { try take(event, now: now) }
      } catch { outcome = Self.outcome(of: error) }
    }
    if outcome != nil { connection?.close() }
    return outcome
  }

  private mutating func take(_ event: SessionEvent, now: Int64) throws(DistributionError) {
    switch event {
    case .up:
      question = try connection?.call(
        RemoteCall("erlang", "nodes", limit: Self.questionTime), now: now)
    case .answer(let id, let answer):
      if id == question { return try takeNodes(answer, now: now) }
      guard let node = connecting.removeValue(forKey: id) else { return }
      if answer.value?.atom == "true" { after.insert(node) }
      endIfDone()
    case .output, .message, .unreadable: return
    }
  }

  private mutating func takeNodes(_ answer: Answer, now: Int64) throws(DistributionError) {
    guard let nodes = answer.value?.list else {
      let cause = Cause(answer, of: RemoteCall("erlang", "nodes", limit: Self.questionTime))
      outcome = .failed(cause ?? Cause(.nodeProtocol, "erlang:nodes/0 returned no list"))
      return
    }
    before = others.intersection(nodes.compactMap(\.atom))
    after = before
    for node in others.subtracting(before).sorted() {
      let call = RemoteCall(
        "net_kernel", "connect_node", [.atom(node)], limit: Self.connectTime, isLinked: true)
      if let id = try connection?.call(call, now: now) { connecting[id] = node }
    }
    endIfDone()
  }

  private mutating func endIfDone() {
    if connecting.isEmpty { outcome = .links(Links(before: before, after: after)) }
  }

  private static func outcome(of error: DistributionError) -> Outcome {
    if case .notRegistered = error { return .noNode }
    return .failed(Cause(error))
  }
}
