import Events
import Instance

/// The nodes of an app's ready runs, and which of them are connected with each other: a plan of visits, and what they
/// found. It does no I/O.
///
/// A new node is visited at once. Later one node after the other is visited, so that a partition is found; then all are.
struct Cluster {
  struct Member: Hashable {
    var run: UInt64
    /// The instance and the release, in words: `web.1 of v2`.
    var title: String
    var node: String
  }

  enum News: Equatable {
    /// Nodes are apart, and could not be connected.
    case split(Cause)
    /// Nodes were apart for a while, and are connected again.
    case healed(Cause)
    /// All are connected with each other.
    case joined
  }

  private(set) var members: [Member] = []
  private var links: Set<Link> = []
  /// Runs without a node that is known: programs that are no BEAM, or without distribution.
  private var strangers: Set<UInt64> = []
  /// Members that were visited, or found connected with one that was.
  private var known: Set<UInt64> = []
  private var queue: [UInt64] = []
  /// The member whose turn it was last.
  private var lastVisited: UInt64 = 0
  private var isComplete = false
  /// When the next visit is due if none is queued, on the monotonic clock.
  private var dueAt: Int64 = 0
  /// Complete rounds in a row after which nodes were still apart.
  private var failures = 0
  /// Why the last visit of a member failed.
  private var problems: [UInt64: Cause] = [:]
  /// Two members that were connected and lost each other.
  private var loss: Link?

  private struct Link: Hashable {
    var low: UInt64
    var high: UInt64

    init(_ one: UInt64, _ other: UInt64) { (low, high) = (min(one, other), max(one, other)) }
  }

  /// Milliseconds between two visits of a cluster that is whole: as between the checks of a run. A node that was
  /// suspended is missed by the others after about a minute (`net_ticktime`).
  private static let pause: Int64 = 10_000
  private static let longestPause: Int64 = 60_000
  /// A run that has just died fails one round; the agent notices its end before the next.
  private static let failuresToTell = 2

  /// Follows the app's ready runs.
  mutating func follow(_ members: [Member], now: Int64) {
    if members == self.members { return }
    let old = Set(self.members.map(\.run))
    let present = Set(members.map(\.run))
    self.members = members
    links = links.filter { present.contains($0.low) && present.contains($0.high) }
    strangers.formIntersection(present)
    known.formIntersection(present)
    problems = problems.filter { present.contains($0.key) }
    queue.removeAll { !present.contains($0) }
    for run in present.subtracting(old).sorted() where !queue.contains(run) { queue.append(run) }
    (loss, dueAt) = (nil, now)
  }

  /// When the next visit is due, on the monotonic clock; nil if none is needed.
  var nextVisit: Int64? { members.count < 2 ? nil : queue.isEmpty ? dueAt : 0 }

  /// The member to visit now, and the names of the nodes that it should be connected with.
  mutating func visit(now: Int64) -> (member: Member, others: Set<String>)? {
    guard let moment = nextVisit, moment <= now else { return nil }
    if queue.isEmpty { fillQueue() }
    let run = queue.removeFirst()
    guard let member = members.first(where: { $0.run == run }) else { return nil }
    (lastVisited, dueAt) = (run, now + Self.pause)
    let others = members.filter { $0.run != run && !strangers.contains($0.run) }
    return (member, Set(others.map(\.node)))
  }

  /// One member's turn, or all after a failure.
  private mutating func fillQueue() {
    let runs = members.map(\.run)
    isComplete = failures > 0
    queue = isComplete ? runs : [runs.first { $0 > lastVisited } ?? runs[0]]
  }

  /// Notes what a visit has found.
  /// - Returns: what the round of visits has shown, at its end.
  mutating func note(_ member: Member, _ outcome: ClusterVisit.Outcome, now: Int64) -> News? {
    guard members.contains(member) else { return nil }
    take(outcome, of: member)
    if !queue.isEmpty { return nil }
    let gap = firstGap
    if gap != nil, !isComplete {
      // Nodes that part end connections with others too (`prevent_overlapping_partitions`), so all are looked at.
      (isComplete, queue) = (true, members.map(\.run))
      return nil
    }
    isComplete = false
    guard let gap else {
      defer { loss = nil }
      (failures, dueAt) = (0, now + Self.pause)
      return loss.map { .healed(cause(of: $0, "lost each other and were connected again")) }
        ?? .joined
    }
    failures = min(failures + 1, 10)
    dueAt = now + min(Self.longestPause, 500 << Int64(failures))
    return failures < Self.failuresToTell ? nil : .split(cause(of: gap, "are not connected"))
  }

  private mutating func take(_ outcome: ClusterVisit.Outcome, of member: Member) {
    problems[member.run] = nil
    switch outcome {
    case .noNode:
      // A node that is known registers again within seconds if epmd was restarted.
      if !known.contains(member.run) { strangers.insert(member.run) }
    case .failed(let cause):
      noteNode(member)
      problems[member.run] = cause
    case .links(let found):
      noteNode(member)
      for other in members where other.run != member.run {
        let link = Link(member.run, other.run)
        if links.contains(link), !found.before.contains(other.node) { loss = link }
        if found.after.contains(other.node) {
          links.insert(link)
          noteNode(other)
        } else {
          links.remove(link)
        }
      }
    }
  }

  private mutating func noteNode(_ member: Member) {
    strangers.remove(member.run)
    known.insert(member.run)
  }

  /// Two members that have nodes and are not connected; nil if there are none.
  private var firstGap: Link? {
    let nodes = members.map(\.run).filter { !strangers.contains($0) }
    for (index, one) in nodes.enumerated() {
      for other in nodes.dropFirst(index + 1) where !links.contains(Link(one, other)) {
        return Link(one, other)
      }
    }
    return nil
  }

  /// The number of other members that each member with a node is connected with.
  var peers: [UInt64: Int] {
    var peers: [UInt64: Int] = [:]
    for run in known { peers[run] = 0 }
    for link in links {
      peers[link.low, default: 0] += 1
      peers[link.high, default: 0] += 1
    }
    return members.count < 2 ? [:] : peers
  }

  private func cause(of gap: Link, _ what: String) -> Cause {
    let names = [gap.low, gap.high].map { run in
      members.first { $0.run == run }.map(\.title) ?? "run \(run)"
    }
    let reason = (problems[gap.low] ?? problems[gap.high]).map { ": " + $0.sentence } ?? ""
    return Cause(.clusterSplit, "\(names[0]) and \(names[1]) \(what)\(reason)")
  }
}
