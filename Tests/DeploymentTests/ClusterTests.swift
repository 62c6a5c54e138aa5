import Events
import HomeLayout
import Instance
import TestSupport
import Testing

@testable import Deployment

/// A made-up host with nodes: it answers the visits that a `Cluster` plans.
private struct Nodes {
  var cluster = Cluster()
  var now: Int64 = 1_000_000
  /// Pairs of nodes that are connected.
  var links: Set<Set<String>> = []
  /// Pairs that cannot be connected.
  var barriers: Set<Set<String>> = []
  /// Nodes that refuse a visit, and runs without a node.
  var closed: Set<String> = []
  var absent: Set<String> = []
  var visits: [String] = []

  static func member(_ run: UInt64) -> Cluster.Member {
    Cluster.Member(run: run, title: "web.\(run)", node: "n\(run)")
  }

  mutating func follow(_ runs: UInt64...) {
    cluster.follow(runs.map(Self.member), now: now)
  }

  /// Carries out all visits that are due within so many milliseconds.
  mutating func pass(_ milliseconds: Int64) -> [Cluster.News] {
    var news: [Cluster.News] = []
    let end = now + milliseconds
    while let next = cluster.nextVisit, next <= end {
      now = max(now, next)
      guard let (member, others) = cluster.visit(now: now) else { break }
      visits.append(member.node)
      news += cluster.note(member, answer(member.node, others), now: now).map { [$0] } ?? []
    }
    now = end
    return news
  }

  private mutating func answer(_ node: String, _ others: Set<String>) -> ClusterVisit.Outcome {
    if absent.contains(node) { return .noNode }
    if closed.contains(node) { return .failed(Cause(.nodeCookie, "it is closed")) }
    let before = others.filter { links.contains([node, $0]) }
    for other in others where !barriers.contains([node, other]) && !absent.contains(other) {
      links.insert([node, other])
    }
    return .links(.init(before: before, after: others.filter { links.contains([node, $0]) }))
  }
}

@Suite struct ClusterTests {
  @Test func oneNodeIsNotVisited() {
    var nodes = Nodes()
    nodes.follow(1)
    #expect(nodes.pass(600_000).isEmpty && nodes.visits.isEmpty && nodes.cluster.peers.isEmpty)
    #expect(nodes.cluster.nextVisit == nil)
  }

  @Test func newNodesAreConnectedAtOnce() {
    var nodes = Nodes()
    nodes.follow(1, 2)
    #expect(nodes.pass(0) == [.joined] && nodes.visits == ["n1", "n2"])
    #expect(nodes.cluster.peers == [1: 1, 2: 1])
    nodes.visits = []
    nodes.follow(1, 2, 3)
    #expect(nodes.pass(0) == [.joined] && nodes.visits == ["n3"])
    #expect(nodes.links.count == 3 && nodes.cluster.peers == [1: 2, 2: 2, 3: 2])
    nodes.follow(2, 3)
    #expect(nodes.cluster.peers == [2: 1, 3: 1])
  }

  /// A whole cluster costs one visit in ten seconds, whatever its size, and each node has its turn.
  @Test func theNodesTakeTurns() {
    var nodes = Nodes()
    nodes.follow(1, 2, 3)
    _ = nodes.pass(0)
    nodes.visits = []
    _ = nodes.pass(60_000)
    #expect(nodes.visits == ["n1", "n2", "n3", "n1", "n2", "n3"])
  }

  @Test func aPartitionIsHealedAndTold() {
    var nodes = Nodes()
    nodes.follow(1, 2, 3)
    _ = nodes.pass(0)
    nodes.links = [["n2", "n3"]]
    let news = nodes.pass(10_000)
    guard case .healed(let cause) = news.last else {
      Issue.record("\(news)")
      return
    }
    #expect(news.count == 1 && nodes.links.count == 3)
    #expect(cause.id == ProblemID.clusterSplit.rawValue)
    #expect(cause.sentence.hasSuffix("lost each other and were connected again"))
  }

  /// Nodes that stay apart are told after the second round, and tried at growing intervals.
  @Test(arguments: [false, true]) func nodesThatStayApart(isClosed: Bool) {
    var nodes = Nodes()
    if isClosed { nodes.closed = ["n3"] }
    nodes.barriers = [["n1", "n3"], ["n2", "n3"]]
    nodes.follow(1, 2, 3)
    #expect(nodes.pass(0) == [])
    let reason = isClosed ? ": it is closed" : ""
    let split = Cluster.News.split(
      Cause(.clusterSplit, "web.1 and web.3 are not connected\(reason)"))
    #expect(nodes.pass(1000) == [split])
    #expect(nodes.cluster.peers == [1: 1, 2: 1, 3: 0])
    nodes.visits = []
    _ = nodes.pass(600_000)
    #expect((27...45).contains(nodes.visits.count), "\(nodes.visits.count)")
    nodes.barriers = []
    nodes.closed = []
    #expect(nodes.pass(60_000).first == .joined)
    #expect(nodes.cluster.peers == [1: 2, 2: 2, 3: 2])
  }

  /// A run that has died stays a member until the agent notices its end, a moment later.
  @Test func aDyingNodeIsNoPartition() {
    var nodes = Nodes()
    nodes.follow(1, 2, 3)
    _ = nodes.pass(0)
    nodes.links = [["n1", "n2"]]
    nodes.barriers = [["n1", "n3"], ["n2", "n3"]]
    nodes.absent = ["n3"]
    #expect(nodes.pass(10_500) == [])
    nodes.follow(1, 2)
    #expect(nodes.pass(60_000).allSatisfy { $0 == .joined })
  }

  /// A program that is no BEAM takes no part, and does not make the others look split.
  @Test func aRunWithoutNode() {
    var nodes = Nodes()
    nodes.absent = ["n2"]
    nodes.follow(1, 2, 3)
    #expect(nodes.pass(0) == [.joined])
    #expect(nodes.cluster.peers == [1: 1, 3: 1])
  }

  /// Whatever happens to the nodes, all are connected once nothing hinders them, and no visit is due without end.
  @Test(arguments: 0..<50) func anyHistoryEndsWhole(seed: Int) {
    var random = Scramble(UInt64(seed))
    var nodes = Nodes()
    var present: [UInt64] = []
    for step in 1...40 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0: present.append(UInt64(step))
      case 1: if !present.isEmpty { present.removeFirst() }
      case 2: if let pair = nodes.links.randomElement(using: &random) { nodes.links.remove(pair) }
      case 3: if let node = present.randomElement(using: &random) { nodes.closed = ["n\(node)"] }
      default: nodes.barriers = Set(nodes.links.prefix(1))
      }
      nodes.cluster.follow(present.map(Nodes.member), now: nodes.now)
      let before = nodes.visits.count
      _ = nodes.pass(Int64.random(in: 0...20_000, using: &random))
      #expect(nodes.visits.count - before < 20 * (present.count + 1))
    }
    (nodes.closed, nodes.barriers) = ([], [])
    _ = nodes.pass(Int64(20_000 * (present.count + 4)))
    let whole =
      present.count < 2
      ? [:]
      : Dictionary(
        uniqueKeysWithValues: present.map { ($0, present.count - 1) })
    #expect(nodes.cluster.peers == whole)
  }
}
