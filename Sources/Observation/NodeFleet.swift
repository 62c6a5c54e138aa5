import ErlangDistribution
import Events
import HomeLayout
import NodeModel
import NodeWatch
import Operations
import Posix

/// All known nodes: those of runs, those named on the command line, those found on this host. Each
/// is watched as far as the screen shows it.
///
/// Its calls may search `/proc` and read files: `FleetWorker` runs them on a thread of their own.
public struct NodeFleet: Sendable {
  /// How an action on a node ended.
  public typealias Outcome = (id: String, outcome: Result<Void, Cause>)

  private let home: Home
  private let names: [String]
  private let environment: [String: String]
  private let cookieFile: String?
  private let tls: TLSOptions?
  private let search: @Sendable () -> [FoundNode]
  private var locator: NodeLocator
  private var attention = NodeAttention()
  private var members: [String: NodeMonitor] = [:]
  private var order: [String] = []
  /// Whether the members are still those of an older board.
  private var isOutdated = true
  /// The process of each member that was found on this host.
  private var backgrounds: [String: FoundNode?] = [:]
  /// The time at which each member is next due, on the monotonic clock; one without an entry is due now.
  private var due: [String: Int64] = [:]
  /// The BEAMs of this host at the last search.
  private var found: [FoundNode] = []
  private var nextSearch: Int64 = 0
  private var logs: [NodeLogPart] = []
  private var outcomes: [Outcome] = []

  /// Milliseconds between two searches for nodes on this host.
  private static let searchInterval: Int64 = 3000

  /// - Parameters:
  ///   - names: nodes to be watched, as `name@host` or `name@host:port`.
  ///   - cookieFile: the file with their cookie, if it is not in its usual places.
  ///   - search: finds the BEAMs of this host.
  public init(
    home: Home, names: [String] = [], cookieFile: String? = nil, tls: TLSOptions? = nil,
    environment: [String: String],
    search: @escaping @Sendable () -> [FoundNode] = { Discovery.search() }
  ) throws(Cause) {
    (self.home, self.names, self.environment) = (home, names, environment)
    (self.cookieFile, self.tls, self.search) = (cookieFile, tls, search)
    locator = NodeLocator(
      home: home, board: Board(), environment: environment, cookieFile: cookieFile, tls: tls)
    for name in names where ErlangDistribution.NodeName.parse(name) == nil {
      // The locator throws the cause for an invalid name.
      _ = try locator.node(named: name, among: [])
    }
  }

  public var reports: [NodeReport] { order.compactMap { members[$0]?.report } }

  // MARK: - Members

  /// Takes the runs from a board.
  public mutating func know(_ board: Board) {
    locator = NodeLocator(
      home: home, board: board, environment: environment, cookieFile: cookieFile, tls: tls)
    isOutdated = true
  }

  /// Adds members for new nodes and removes those of nodes that are gone.
  private mutating func refresh() {
    isOutdated = false
    let beams = names.isEmpty ? [] : search()
    var known = names.map { given($0, among: beams) }
    let named = Set(known.map(\.name))
    known += locator.all(found: found).filter { !named.contains($0.name) }
    var seen: Set<String> = []
    known.removeAll { !seen.insert($0.report.id).inserted }
    for node in known where isNew(node) { add(node) }
    backgrounds = Dictionary(known.map { ($0.report.id, $0.found) }) { $1 }
    order = known.map(\.report.id)
    for id in members.keys where !seen.contains(id) { members[id] = nil }
    apply()
  }

  /// Whether the node needs a new member: more may be known of a found process later, or another may have its pid.
  private func isNew(_ node: KnownNode) -> Bool {
    guard let member = members[node.report.id] else { return true }
    guard case .found = node.origin, let before = backgrounds[node.report.id],
      before != node.found
    else { return false }
    return member.report.state != .up || before?.process != node.found?.process
  }

  private func given(_ name: String, among beams: [FoundNode]) -> KnownNode {
    do throws(Cause) { return try locator.node(named: name, among: beams) } catch {
      return KnownNode(name: name, origin: .given, access: .failure(error))
    }
  }

  private mutating func add(_ node: KnownNode) {
    let (locator, search) = (locator, search)
    // The name as it was typed, with its port.
    let typed = names.first { ErlangDistribution.NodeName.parse($0)?.name.description == node.name }
    var monitor = NodeMonitor(node.report) { () throws(Cause) in
      // The node is located again at each try: the operator may have repaired the cookie file meanwhile.
      switch node.origin {
      case .given: try locator.node(named: typed ?? node.name, among: search()).access.get()
      case .run(let app, _, let run, _): try locator.node(ofRun: run, app: app).access.get()
      case .found: try node.access.get()
      }
    }
    monitor.mask = locator.mask
    members[node.report.id] = monitor
  }

  // MARK: - Orders

  /// Watches what `attention` names and nothing else.
  public mutating func attend(_ attention: NodeAttention) {
    if attention == self.attention { return }
    if attention.discovers, !self.attention.discovers { nextSearch = 0 }
    self.attention = attention
    apply()
  }

  private mutating func apply() {
    for id in order {
      members[id]?.parts = attention.nodes[id] ?? []
      members[id]?.tree = attention.tree?.node == id ? attention.tree?.application : nil
    }
    due = [:]
  }

  /// Does something to a node.
  /// - Parameter id: the id that its outcome carries.
  public mutating func perform(_ action: NodeAction, on node: String, id: String) {
    members[node]?.perform(action, id: id)
    due[node] = nil
  }

  /// Gives up an action that has no outcome yet.
  public mutating func giveUp(_ id: String) { for node in order { members[node]?.giveUp(id) } }

  /// Closes every connection.
  public mutating func leave() {
    for id in order { members[id]?.leave() }
    attention = NodeAttention()
  }

  // MARK: - Progress

  public var interests: [Poll.Interest] { members.values.flatMap(\.interests) }

  /// The time at which `advance` is to be called at the latest; nil if only `interests` matter.
  public var nextTick: Int64? {
    if isOutdated { return 0 }
    var next: Int64 = attention.discovers ? nextSearch : .max
    for id in order { next = min(next, due[id] ?? 0) }
    return next == .max ? nil : next
  }

  /// Does what can be done without waiting for a node.
  /// - Returns: whether a report has changed, or there are new log lines or outcomes.
  public mutating func advance(_ ready: [Poll.Ready], now: Int64 = Clock.monotonic()) -> Bool {
    let before = order
    if attention.discovers, now >= nextSearch {
      found = search()
      nextSearch = Clock.monotonic() + Self.searchInterval
      isOutdated = true
    }
    if isOutdated { refresh() }
    var hasNews = order != before
    let descriptors = Set(ready.map(\.descriptor))
    for id in order where isDue(id, descriptors, now: now) {
      let isNews = members[id]?.advance(ready, now: now) ?? false
      due[id] = members[id]?.nextTick ?? .max
      guard isNews else { continue }
      hasNews = true
      if let part = members[id]?.takeLog() { logs.append(part) }
      outcomes += members[id]?.takeOutcomes() ?? []
    }
    return hasNews
  }

  private func isDue(_ id: String, _ ready: Set<Int32>, now: Int64) -> Bool {
    (due[id] ?? 0) <= now
      || members[id]?.interests.contains { ready.contains($0.descriptor) } ?? false
  }

  public mutating func takeLogs() -> [NodeLogPart] {
    defer { logs = [] }
    return logs
  }

  public mutating func takeOutcomes() -> [Outcome] {
    defer { outcomes = [] }
    return outcomes
  }
}
