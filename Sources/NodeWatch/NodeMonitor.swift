import ErlangDistribution
import Events
import HomeLayout
import NodeModel
import Operations
import Posix
import Redaction

/// Where a node listens, and the cookie that it accepts.
public struct NodeAccess: Sendable {
  public var address: NodeAddress
  public var cookie: Cookie

  public init(_ address: NodeAddress, _ cookie: Cookie) {
    (self.address, self.cookie) = (address, cookie)
  }
}

/// One node, watched over one connection. Its owner sets the parts to watch and reads `report`.
///
/// It never waits: its owner polls `interests` and calls `advance`. Parts that are not wanted are not asked for, and
/// without wanted parts there is no connection.
public struct NodeMonitor: Sendable {
  /// Finds the node again at each try: after a restart it may have another port and cookie.
  public typealias Find = @Sendable () throws(Cause) -> NodeAccess

  public internal(set) var report: NodeReport
  public var parts: NodeAttention.Parts = []
  /// The application whose supervision tree is read.
  public var tree: String?
  /// Whether this home started the node and its port mapper, which may then be asked often.
  public var isOurs = false
  /// Masks values of config vars in all text from the node.
  public var mask = Redactor()

  private let find: Find
  var connection: Connection?
  private var retry = Backoff()
  private var known: (access: NodeAccess, since: Int64)?
  /// A cookie that the node refused, and the time until which it is not tried again: each try writes a report into
  /// the node's log. Another cookie may be tried at once.
  private var refused: (cookie: Cookie, until: Int64)?
  /// The end of the time in which a restart that we requested is expected, to watch it from its beginning.
  private var restartUntil: Int64 = 0
  /// The number that differs between two starts of the node.
  var creation: UInt32?
  /// The time since which no part has been wanted.
  private var unwantedSince: Int64?
  var schedule = QuestionSchedule()
  var log = LogBuffer()
  var actions: [PendingAction] = []

  private static let accessAge: Int64 = 2000
  private static let refusalAge: Int64 = 30_000

  /// Milliseconds that an unused connection is kept: operators leave views and enter them again.
  private static let linger: Int64 = 10_000

  public init(_ report: NodeReport, find: @escaping Find) {
    (self.report, self.find) = (report, find)
  }

  public init(_ report: NodeReport, address: NodeAddress, cookie: Cookie) {
    self.init(report) { NodeAccess(address, cookie) }
  }

  private var isWanted: Bool { !parts.isEmpty || tree != nil || !actions.isEmpty }

  /// Whether it has booted, by its last answer on this connection; nil before the first answer.
  public var hasBooted: Bool? { schedule.hasLooked ? schedule.isReady : nil }

  public var interests: [Poll.Interest] { connection?.interest.map { [$0] } ?? [] }

  /// When `advance` is to be called at the latest; nil where only `interests` matter.
  public var nextTick: Int64? {
    if let connection {
      var next = connection.nextTick
      if let since = unwantedSince { next = min(next, since + Self.linger) }
      if connection.session != nil { next = min(next, schedule.nextQuestion(for: self) ?? .max) }
      return next
    }
    return isWanted ? retry.next : nil
  }

  /// Does what can be done without waiting.
  /// - Returns: whether `report` has changed, or there is more of the log or of outcomes.
  public mutating func advance(_ ready: [Poll.Ready], now: Int64 = Clock.monotonic()) -> Bool {
    let before = report
    noteWishes(now: now)
    if connection == nil, isWanted, retry.next <= now { connect(now: now) }
    if let interest = connection?.interest {
      move(ready.first { $0.descriptor == interest.descriptor }, now: now)
    }
    return report != before || log.hasNews || actions.contains { $0.outcome != nil }
  }

  private mutating func noteWishes(now: Int64) {
    if isWanted {
      unwantedSince = nil
      if report.state == .idle { report.state = connection == nil ? .connecting : .up }
    } else if connection != nil {
      unwantedSince = unwantedSince ?? now
      if now - (unwantedSince ?? now) >= Self.linger { leave() }
    } else if report.state != .idle {
      (report.state, report.cause) = (.idle, nil)
    }
  }

  /// Closes the connection. The processes that the node started for us end with it.
  public mutating func leave() {
    connection?.close()
    (connection, schedule, unwantedSince) = (nil, QuestionSchedule(), nil)
    (report.state, report.cause) = (.idle, nil)
  }

  /// The node's address and cookie. They are kept for a while, since finding them may cost more than a try.
  private mutating func locate(now: Int64) throws(Cause) -> NodeAccess {
    if let known, now - known.since < Self.accessAge { return known.access }
    let access = try find()
    known = (access, now)
    return access
  }

  private mutating func connect(now: Int64) {
    do throws(Cause) {
      let access = try locate(now: now)
      if let refused, refused.cookie == access.cookie, now < refused.until {
        return retry.wait(now: now)
      }
      do throws(DistributionError) {
        connection = try Connection(to: access.address, cookie: access.cookie, now: now)
        schedule = QuestionSchedule()
        if report.state != .down, report.state != .silent { report.state = .connecting }
      } catch { lose(Cause(error), error, now: now) }
    } catch { lose(error, nil, now: now) }
  }

  private mutating func move(_ ready: Poll.Ready?, now: Int64) {
    do throws(DistributionError) {
      for event in try connection?.advance(ready, now: now) ?? [] {
        try take(event, now: now)
      }
      if connection?.session != nil { try ask(now: now) }
    } catch { lose(Cause(error), error, now: now) }
  }

  /// Records that the connection is lost, or was never made.
  private mutating func lose(_ cause: Cause, _ error: DistributionError?, now: Int64) {
    let wasUp = report.state == .up || report.state == .silent
    if wasUp { note("the connection is lost: \(cause.sentence)", isBad: true) }
    if let call = schedule.openTree { report.tree = call.tree }
    connection = nil
    schedule = QuestionSchedule()
    // A suspended or overloaded node: its host accepts the connection, but the node does not answer.
    (report.state, report.cause) = (error == .tooSlow(.shaking) ? .silent : .down, cause)
    for index in actions.indices where actions[index].isBegun && actions[index].outcome == nil {
      // A restart closes the connection, which shows that it was done.
      actions[index].outcome = actions[index].action == .restart ? .success(()) : .failure(cause)
    }
    if case .wrongCookie = error, let cookie = known?.access.cookie {
      refused = (cookie, now + Self.refusalAge)
    }
    retry.fail(error, most: bootPatience(now: now), now: now)
  }

  /// The longest pause between tries while the node is expected to boot, in milliseconds: most applications start
  /// within milliseconds. A run's port mapper is our own; other port mappers are asked less often.
  private func bootPatience(now: Int64) -> Int64? {
    if now < restartUntil { return 20 }
    guard parts.contains(.boot) else { return nil }
    if case .run = report.origin { return 10 }
    return isOurs ? 10 : 100
  }

  mutating func note(_ text: String, isBad: Bool = false) {
    let time = Timestamp(milliseconds: Clock.now())
    report.happenings.append(NodeHappening(time: time, text: mask(text), isBad: isBad))
    if report.happenings.count > 50 { report.happenings.removeFirst() }
  }

  mutating func connected() {
    retry = Backoff()
    (report.state, report.cause) = (.up, nil)
  }
}

/// The time of the next try.
struct Backoff: Sendable {
  private(set) var next: Int64 = 0
  private var failures = 0

  private static let first: Int64 = 50
  /// Asking a port mapper costs little, and a node that comes back is to be seen soon.
  private static let longest: Int64 = 3000
  /// A node that refused us will hardly accept us soon.
  private static let refused: Int64 = 30_000

  /// - Parameter most: the most milliseconds to the next try, while the node is expected.
  mutating func fail(_ error: DistributionError?, most: Int64?, now: Int64) {
    failures = min(failures + 1, 20)
    var delay = min(Self.longest, Self.first << Int64(failures - 1))
    switch error {
    case .notAllowed, .tooOld, .malformed: delay = Self.refused
    case .hostUnknown, .tls, .wrongCookie: delay = Self.longest
    default: delay = min(delay, most ?? delay)
    }
    // Dashboards that lost the same node do not all come back in the same moment.
    next = now + delay + Int64.random(in: 0...(delay / 4))
  }

  /// Postpones the next try, though nothing was tried.
  mutating func wait(now: Int64) { next = now + Self.longest }
}

/// Lines of the node's log that wait to be taken. Lines beyond the limit are only counted.
struct LogBuffer: Sendable {
  private(set) var lines: [NodeLogLine] = []
  private(set) var lost = 0

  private static let limit = 5000

  var hasNews: Bool { !lines.isEmpty || lost > 0 }

  mutating func append(_ new: [NodeLogLine], lost count: Int) {
    lost += min(count, .max - lost)
    lines += new
    let excess = lines.count - Self.limit
    if excess > 0 {
      lines.removeFirst(excess)
      lost += excess
    }
  }
}

/// An action on the node, with its outcome once it has one.
struct PendingAction: Sendable {
  var id: String
  var action: NodeAction
  var isBegun = false
  var outcome: Result<Void, Cause>?
}

extension NodeMonitor {
  /// Takes the lines that have come, and the count of lines lost before them.
  public mutating func takeLog() -> NodeLogPart? {
    guard log.hasNews else { return nil }
    defer { log = LogBuffer() }
    return NodeLogPart(node: report.id, lines: log.lines, lost: log.lost)
  }

  /// Performs an action on the node as soon as there is a connection.
  /// - Parameter id: the id that the outcome carries.
  public mutating func perform(_ action: NodeAction, id: String) {
    if action == .restart { restartUntil = Clock.monotonic() + 30_000 }
    actions.append(PendingAction(id: id, action: action))
  }

  /// Gives up an action that has no outcome yet.
  public mutating func giveUp(_ id: String) { actions.removeAll { $0.id == id } }

  public mutating func takeOutcomes() -> [(id: String, outcome: Result<Void, Cause>)] {
    defer { actions.removeAll { $0.outcome != nil } }
    return actions.compactMap { action in action.outcome.map { (action.id, $0) } }
  }
}
