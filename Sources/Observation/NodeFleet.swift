import ErlangDistribution
import Events
import HomeLayout
import NodeModel
import NodeWatch
import Operations
import Posix

/// All nodes that are known of – of runs, named on the command line, found on this host – each watched as far as
/// somebody looks at it.
public struct NodeFleet: Sendable {
  private let home: Home
  private let names: [String]
  private let environment: [String: String]
  private let cookieFile: String?
  private let tls: TLSOptions?
  private var places: NodePlaces
  private var attention = NodeAttention()
  private var members: [String: NodeWatch] = [:]
  private var order: [String] = []
  /// What was found of each, for those that were.
  private var backgrounds: [String: FoundNode?] = [:]
  /// When each is to be looked after at the latest; who is not in it, now.
  private var due: [String: Int64] = [:]
  /// The BEAMs of this host at the last search.
  private var found: [FoundNode] = []
  private var nextSearch: Int64 = 0
  private var logs: [NodeLogPart] = []
  private var outcomes: [(id: String, outcome: Result<Void, Cause>)] = []

  /// Milliseconds between two searches for nodes on this host.
  private static let searchInterval: Int64 = 3000

  /// - Parameters:
  ///   - names: nodes to be watched, as `name@host` or `name@host:port`.
  ///   - cookieFile: theirs, where it is not to be found in its usual places.
  public init(
    home: Home, names: [String] = [], cookieFile: String? = nil, tls: TLSOptions? = nil,
    environment: [String: String]
  ) throws(Cause) {
    (self.home, self.names, self.environment) = (home, names, environment)
    (self.cookieFile, self.tls) = (cookieFile, tls)
    places = NodePlaces(
      home: home, board: Board(), environment: environment, cookieFile: cookieFile, tls: tls)
    for name in names where ErlangDistribution.NodeName.parse(name) == nil {
      // Its words are those for a single node.
      _ = try places.node(named: name)
    }
    refresh()
  }

  public var reports: [NodeReport] { order.compactMap { members[$0]?.report } }

  // MARK: - Who there is

  /// Takes in which runs there are now.
  public mutating func know(_ board: Board) {
    places = NodePlaces(
      home: home, board: board, environment: environment, cookieFile: cookieFile, tls: tls)
    refresh()
  }

  /// Adds who is new and forgets who is gone.
  private mutating func refresh() {
    // One search for all of them.
    let beams = names.isEmpty ? [] : Discovery.search()
    var known = names.map { given($0, among: beams) }
    let named = Set(known.map(\.name))
    known += places.all(found: found).filter { !named.contains($0.name) }
    var seen: Set<String> = []
    known.removeAll { !seen.insert($0.report.id).inserted }
    for node in known where isNew(node) { add(node) }
    backgrounds = Dictionary(known.map { ($0.report.id, $0.found) }) { $1 }
    order = known.map(\.report.id)
    for id in members.keys where !seen.contains(id) { members[id] = nil }
    apply(attention)
  }

  /// A process that was found may say more of itself later, and its number may become another's.
  private func isNew(_ node: KnownNode) -> Bool {
    guard let member = members[node.report.id] else { return true }
    guard case .found = node.origin, let before = backgrounds[node.report.id],
      before != node.found
    else { return false }
    return member.report.state != .up || before?.process != node.found?.process
  }

  private func given(_ name: String, among beams: [FoundNode]) -> KnownNode {
    do throws(Cause) { return try places.node(named: name, among: beams) } catch {
      return KnownNode(name: name, origin: .given, place: .failure(error))
    }
  }

  private mutating func add(_ node: KnownNode) {
    let places = places
    // As it was typed, with its port.
    let typed = names.first { ErlangDistribution.NodeName.parse($0)?.name.description == node.name }
    var watch = NodeWatch(node.report) { () throws(Cause) in
      // Looked up anew at each try: the cookie file may have been mended, or not been there yet.
      switch node.origin {
      case .given: try places.node(named: typed ?? node.name).place.get()
      case .run(let app, _, let run, _): try places.node(ofRun: run, app: app).place.get()
      case .found: try node.place.get()
      }
    }
    watch.mask = places.mask
    members[node.report.id] = watch
  }

  // MARK: - What is wanted of them

  /// Watches what is wanted and nothing else.
  public mutating func attend(_ attention: NodeAttention) {
    if attention == self.attention { return }
    apply(attention)
  }

  private mutating func apply(_ attention: NodeAttention) {
    if attention.discovers, !self.attention.discovers { nextSearch = 0 }
    self.attention = attention
    for id in order {
      members[id]?.parts = attention.nodes[id] ?? []
      members[id]?.tree = attention.tree?.node == id ? attention.tree?.application : nil
    }
    due = [:]
  }

  /// Does something to a node.
  /// - Parameter id: what its outcome is told by.
  public mutating func perform(_ action: NodeAction, on node: String, id: String) {
    members[node]?.perform(action, id: id)
    due[node] = nil
  }

  // MARK: - Going on

  public var interests: [Poll.Interest] { members.values.flatMap(\.interests) }

  /// When `advance` is to be called at the latest; nil where nothing is awaited.
  public var nextTick: Int64? {
    var next: Int64 = attention.discovers ? nextSearch : .max
    for id in order { next = min(next, due[id] ?? 0) }
    return next == .max ? nil : next
  }

  /// Does what can be done without waiting.
  /// - Returns: whether a report has changed, or there is more of a log or of outcomes.
  public mutating func advance(
    _ ready: [Poll.Ready], now: Int64 = Clock.monotonic()
  ) -> Bool {
    var hasNews = false
    if attention.discovers, now >= nextSearch {
      let before = order
      found = Discovery.search()
      refresh()
      nextSearch = Clock.monotonic() + Self.searchInterval
      hasNews = order != before
    }
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

  /// Whether each node that is looked at has told what is wanted, or cannot.
  /// - Parameter parts: what of it is waited for.
  public func isSettled(for parts: NodeAttention.Parts) -> Bool {
    reports.allSatisfy { report in
      guard let wanted = attention.nodes[report.id]?.intersection(parts) else { return true }
      switch report.state {
      case .idle, .connecting: return wanted.isEmpty
      case .silent, .down: return true
      case .up:
        return (!wanted.contains(.vitals) || report.snapshot != nil)
          && (!wanted.contains(.processes) || report.survey != nil)
      }
    }
  }

  /// Leaves every node.
  public mutating func leave() {
    for id in order { members[id]?.leave() }
    attention = NodeAttention()
  }

  /// Gives up what has not been done.
  public mutating func giveUp(_ id: String) {
    for node in order { members[node]?.giveUp(id) }
  }

  public mutating func takeLogs() -> [NodeLogPart] {
    defer { logs = [] }
    return logs
  }

  public mutating func takeOutcomes() -> [(id: String, outcome: Result<Void, Cause>)] {
    defer { outcomes = [] }
    return outcomes
  }
}
