import ErlangDistribution
import ErlangTerm
import Events
import HomeLayout
import NodeModel
import Operations
import Posix
import Redaction

/// One node, watched over one connection: what is wanted of it is set, what is known of it stands in `report`.
///
/// It waits for nothing: whoever holds it polls `interests` and calls `advance`. What nobody wants is not asked, and
/// a node of which nobody wants anything is left alone.
public struct NodeWatch: Sendable {
  /// Where a node is, and what lets us in.
  public struct Place: Sendable {
    public var address: NodeAddress
    public var cookie: Cookie

    public init(_ address: NodeAddress, _ cookie: Cookie) {
      (self.address, self.cookie) = (address, cookie)
    }
  }

  /// Looked for anew at each try: a node that was started again may have another port and cookie.
  public typealias Find = @Sendable () throws(Cause) -> Place

  public internal(set) var report: NodeReport
  /// What is wanted.
  public var parts: NodeAttention.Parts = []
  /// The application whose supervision tree is wanted.
  public var tree: String?
  /// Whether we started it, and so its port mapper too: it may be looked for as often as helps.
  public var isOurs = false
  /// Takes values of config vars out of what the node says.
  public var mask = Redactor()

  private let find: Find
  var connection: Connection?
  private var retry = Backoff()
  private var known: (place: Place, since: Int64)?
  /// A cookie that the node did not take, and how long it is not tried again: each try writes a report into the
  /// node's log. Another one may be tried at once.
  private var refused: (cookie: Cookie, until: Int64)?
  /// As long as this a restart that we asked for may take: it is watched from its beginning.
  private var restartUntil: Int64 = 0
  /// What tells one start of the node from another.
  var creation: UInt32?
  /// When nobody wanted anything any more.
  private var unwantedSince: Int64?
  var talk = Conversation()
  var log = LogBuffer()
  var deeds: [Deed] = []

  private static let placeAge: Int64 = 2000
  private static let refusalAge: Int64 = 30_000

  /// A connection that nobody needs is kept a while: views are left and entered again.
  private static let linger: Int64 = 10_000

  public init(_ report: NodeReport, find: @escaping Find) {
    (self.report, self.find) = (report, find)
  }

  public init(_ report: NodeReport, address: NodeAddress, cookie: Cookie) {
    self.init(report) { Place(address, cookie) }
  }

  private var isWanted: Bool { !parts.isEmpty || tree != nil || !deeds.isEmpty }

  /// Whether it has booted, by its last answer on this connection; nil where it has not told yet.
  public var hasBooted: Bool? { talk.hasLooked ? talk.isReady : nil }

  /// What to wait for.
  public var interests: [Poll.Interest] { connection?.interest.map { [$0] } ?? [] }

  /// When `advance` is to be called at the latest; nil where only `interests` matter.
  public var nextTick: Int64? {
    if let connection {
      var next = connection.nextTick
      if let since = unwantedSince { next = min(next, since + Self.linger) }
      if connection.session != nil { next = min(next, talk.nextQuestion(for: self) ?? .max) }
      return next
    }
    return isWanted ? retry.next : nil
  }

  /// Does what can be done without waiting.
  /// - Returns: whether `report` has changed, or there is more of the log or of outcomes.
  public mutating func advance(
    _ ready: [Poll.Ready], now: Int64 = Clock.monotonic()
  ) -> Bool {
    let before = report
    noteWishes(now: now)
    if connection == nil, isWanted, retry.next <= now { connect(now: now) }
    if let interest = connection?.interest {
      move(ready.first { $0.descriptor == interest.descriptor }, now: now)
    }
    return report != before || log.hasNews || deeds.contains { $0.outcome != nil }
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

  /// Leaves politely: what was begun there for us ends with the connection.
  public mutating func leave() {
    connection?.close()
    (connection, talk, unwantedSince) = (nil, Conversation(), nil)
    (report.state, report.cause) = (.idle, nil)
  }

  /// Where the node is: looked for at most so often, since that may cost more than a try.
  private mutating func locate(now: Int64) throws(Cause) -> Place {
    if let known, now - known.since < Self.placeAge { return known.place }
    let place = try find()
    known = (place, now)
    return place
  }

  private mutating func connect(now: Int64) {
    do throws(Cause) {
      let place = try locate(now: now)
      if let refused, refused.cookie == place.cookie, now < refused.until {
        return retry.wait(now: now)
      }
      do throws(DistributionError) {
        connection = try Connection(to: place.address, cookie: place.cookie, now: now)
        talk = Conversation()
        if report.state != .down, report.state != .silent { report.state = .connecting }
      } catch { lose(Cause(error), error, now: now) }
    } catch { lose(error, nil, now: now) }
  }

  private mutating func move(_ ready: Poll.Ready?, now: Int64) {
    do throws(DistributionError) {
      for happening in try connection?.advance(ready, now: now) ?? [] {
        try take(happening, now: now)
      }
      if connection?.session != nil { try ask(now: now) }
    } catch { lose(Cause(error), error, now: now) }
  }

  /// The connection is gone, or there never was one.
  private mutating func lose(_ cause: Cause, _ error: DistributionError?, now: Int64) {
    let wasUp = report.state == .up || report.state == .silent
    if wasUp { note("the connection is lost: \(cause.sentence)", isBad: true) }
    if let call = talk.openTree { report.tree = call.tree }
    connection = nil
    talk = Conversation()
    // Suspended or overloaded: the host accepts for it, and nobody answers.
    (report.state, report.cause) = (error == .tooSlow(.shaking) ? .silent : .down, cause)
    for index in deeds.indices where deeds[index].isBegun && deeds[index].outcome == nil {
      // A restart takes the connection with it: that is how it shows that it was done.
      deeds[index].outcome = deeds[index].action == .restart ? .success(()) : .failure(cause)
    }
    if case .wrongCookie = error, let cookie = known?.place.cookie {
      refused = (cookie, now + Self.refusalAge)
    }
    retry.fail(error, most: bootPatience(now: now), now: now)
  }

  /// While a node is expected to boot a look costs it nothing yet, and most applications start within milliseconds.
  /// The port mapper of a run is our own; that of others is not to be hammered.
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

/// When to try again.
struct Backoff: Sendable {
  private(set) var next: Int64 = 0
  private var failures = 0

  private static let first: Int64 = 50
  /// Asking a port mapper costs nobody much; a node that comes back is seen soon.
  private static let longest: Int64 = 3000
  /// Who does not let us in will hardly do so soon.
  private static let refused: Int64 = 30_000

  /// - Parameter most: milliseconds to the next try at the most, where somebody waits for the node.
  mutating func fail(_ error: DistributionError?, most: Int64?, now: Int64) {
    failures = min(failures + 1, 20)
    var delay = min(Self.longest, Self.first << Int64(failures - 1))
    switch error {
    case .notAllowed, .tooOld, .malformed: delay = Self.refused
    case .hostUnknown, .tls, .wrongCookie: delay = Self.longest
    default: delay = min(delay, most ?? delay)
    }
    // Not all who lost the same node come back in the same moment.
    next = now + delay + Int64.random(in: 0...(delay / 4))
  }

  /// Nothing was tried: it is looked again later whether something has changed.
  mutating func wait(now: Int64) { next = now + Self.longest }
}

/// Lines of the node's log that nobody has taken yet; what is too much is counted.
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

/// Something that is to be done to the node.
struct Deed: Sendable {
  var id: String
  var action: NodeAction
  var isBegun = false
  var outcome: Result<Void, Cause>?
}

extension NodeWatch {
  /// The lines that have come since, with those that were lost before them.
  public mutating func takeLog() -> NodeLogPart? {
    guard log.hasNews else { return nil }
    defer { log = LogBuffer() }
    return NodeLogPart(node: report.id, lines: log.lines, lost: log.lost)
  }

  /// Does something to the node as soon as there is a connection.
  /// - Parameter id: what the outcome is told by.
  public mutating func perform(_ action: NodeAction, id: String) {
    if action == .restart { restartUntil = Clock.monotonic() + 30_000 }
    deeds.append(Deed(id: id, action: action))
  }

  /// Gives up what has not been done.
  public mutating func giveUp(_ id: String) { deeds.removeAll { $0.id == id } }

  /// What came of what was to be done.
  public mutating func takeOutcomes() -> [(id: String, outcome: Result<Void, Cause>)] {
    defer { deeds.removeAll { $0.outcome != nil } }
    return deeds.compactMap { deed in deed.outcome.map { (deed.id, $0) } }
  }
}
