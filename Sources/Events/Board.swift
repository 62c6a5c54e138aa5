import HomeLayout

/// The current state of a host, folded from its events. A value: the same events give the same board.
public struct Board: Hashable, Codable, Sendable {
  public var apps: [String: App] = [:]
  /// Requests that no outcome has ended yet, oldest first.
  public var requests: [Request] = []
  /// Builds under way, by id.
  public var builds: [String: Build] = [:]
  public var agent: Agent?
  /// The last event folded in; 0 where there was none.
  public var sequence: UInt64 = 0
  public var time = Timestamp(milliseconds: 0)

  /// Of what a checkpoint of the board means. It grows with each change of the fold or of what the board holds;
  /// a board of every older version can still be read.
  public static let version = 2

  public init() {}

  /// What the agent said of itself last; whether it lives, its lock tells.
  public struct Agent: Hashable, Codable, Sendable {
    public var pid: Int32?
    public var since: Timestamp
  }

  public struct Build: Hashable, Codable, Sendable {
    public var app: String?
    public var step: String?
    public var since: Timestamp
  }

  /// An event that asks for something, from its arrival to its outcome.
  public struct Request: Hashable, Codable, Sendable {
    /// The event's id, which its outcome names.
    public var id: String
    public var sequence: UInt64
    public var type: EventType
    public var app: String
    public var data: EventData
    /// The number of the event that accepted it; 0 before. What is started for it has a greater one.
    public var accepted: UInt64 = 0

    public var isAccepted: Bool { accepted > 0 }
  }
}

extension Board {
  public struct App: Hashable, Codable, Sendable {
    public var name: String
    /// The ledger, oldest first.
    public var releases: [Release] = []
    public var current: ReleaseNumber?
    /// The digest of the config vars that the next release starts from.
    public var config: String?
    public var deployment: Deployment?
    /// Instances wanted, by process type.
    public var formation: [String: Int] = [:]
    /// Whether an operator stopped it; the formation is kept.
    public var isStopped = false
    /// Runs that have not ended, and the last ended one of each instance.
    public var runs: [Run] = []
    public var crashes: [InstanceName: Crashes] = [:]
    /// Why the last deployment failed, until the next one starts.
    public var failure: Failure?
    public var changed: Timestamp

    public init(name: String, changed: Timestamp) {
      self.name = name
      self.changed = changed
    }
  }

  /// One numbered entry in an app's ledger.
  public struct Release: Hashable, Codable, Sendable {
    public var number: ReleaseNumber
    public var slug: String
    /// The digest of its config vars.
    public var config: String
    public var time: Timestamp
    public var by: String?
    /// The release it brings back, if it is a rollback.
    public var from: ReleaseNumber?
    public var commit: String?
    public var line: String?
    /// Config vars that were set or removed, if that is what made it.
    public var set: [String]?
    public var unset: [String]?
    /// The id of the request that it was made for.
    public var request: String?
    /// Whether it ever became current.
    public var wasCurrent = false
    /// Why it did not.
    public var failure: Cause?
    /// Its last two boots that were watched, the newest last.
    public var boots: [Boot]?

    /// How long each application took to start, in milliseconds, when it last booted.
    public var lastBoot: [String: Int]? { boots?.last?.milliseconds }

    /// The same of the last boot that was not this run's.
    public func lastBoot(besides run: UInt64) -> [String: Int]? {
      boots?.last { $0.run != run }?.milliseconds
    }
  }

  /// How long each application took to start in a run.
  public struct Boot: Hashable, Codable, Sendable {
    public var run: UInt64
    public var milliseconds: [String: Int]

    public init(run: UInt64, milliseconds: [String: Int]) {
      (self.run, self.milliseconds) = (run, milliseconds)
    }
  }

  /// The act of making a release current.
  public struct Deployment: Hashable, Codable, Sendable {
    public var release: ReleaseNumber
    public var request: String?
    public var since: Timestamp
    public var step: String?
    /// Its new runs are ready and have taken over: it can't be reverted any more.
    public var hasSwitched = false
    public var formation: [String: Int]
    /// Why it is being reverted.
    public var cause: Cause?
    /// It only changes config vars, which does not wake an app that an operator stopped.
    public var isConfigChange = false
  }

  public struct Failure: Hashable, Codable, Sendable {
    public var release: ReleaseNumber
    public var cause: Cause
    public var time: Timestamp
  }

  /// One incarnation of an instance.
  public struct Run: Hashable, Codable, Sendable {
    /// The sequence number of its `instance.starting`.
    public var id: UInt64
    public var instance: InstanceName
    public var release: ReleaseNumber
    public var state: RunState
    public var since: Timestamp
    public var started: Timestamp
    public var pid: Int32?
    public var port: UInt16?
    public var node: String?
    public var exit: Int32?
    public var signal: Int32?
    public var cause: Cause?

    public init(
      id: UInt64, instance: InstanceName, release: ReleaseNumber, state: RunState, since: Timestamp,
      port: UInt16? = nil, node: String? = nil
    ) {
      (self.id, self.instance, self.release, self.state) = (id, instance, release, state)
      (self.since, started, self.port, self.node) = (since, since, port, node)
    }
  }

  /// How often an instance crashed in a row.
  public struct Crashes: Hashable, Codable, Sendable {
    public var count: Int
    public var last: Timestamp
    public var cause: Cause?
    /// It will not be started again by itself.
    public var isAbandoned = false
  }
}

public enum RunState: String, Codable, Sendable, CaseIterable {
  case starting, booting, ready, unready, stopping, crashed, stopped

  /// Whether its process may still be there.
  public var isLive: Bool { self != .crashed && self != .stopped }
}

extension Board.App {
  /// Of one process type, as a bound on what a log can make us do.
  public static let mostInstances = 100

  public func release(_ number: ReleaseNumber?) -> Board.Release? {
    number.flatMap { number in releases.last { $0.number == number } }
  }

  public var currentRelease: Board.Release? { release(current) }

  /// A number that no release has had. The ledger may lack a release whose line in the log was lost.
  public var nextRelease: ReleaseNumber {
    let given = releases.map(\.number) + [current, deployment?.release].compactMap { $0 }
    let greatest = (given + runs.map(\.release)).map(\.value).max() ?? 0
    return ReleaseNumber(greatest + 1)
  }

  /// What a rollback without a number brings back: the newest release before the current one that worked.
  public var previousRelease: Board.Release? {
    guard let current else { return nil }
    return releases.last { $0.number < current && $0.wasCurrent }
  }

  public func run(_ id: UInt64) -> Board.Run? { runs.first { $0.id == id } }

  public var liveRuns: [Board.Run] { runs.filter(\.state.isLive) }

  /// The instances that a formation names.
  public static func instances(of formation: [String: Int]) -> [InstanceName] {
    formation.flatMap { process, count in
      (0..<min(max(0, count), mostInstances)).map { InstanceName(process, $0 + 1) }
    }.sorted()
  }

  /// The app's state in one word, and how often its worst instance crashed.
  public var summary: (state: RunState, crashes: Int) {
    let live = liveRuns
    let wanted = Set(isStopped ? [] : Self.instances(of: formation))
    let mine = live.filter { $0.release == current && wanted.contains($0.instance) }
    let crashed = crashes.filter { wanted.contains($0.key) }.values.map(\.count).max() ?? 0
    if let deployment, !deployment.hasSwitched {
      let new = live.filter { $0.release == deployment.release }
      if mine.isEmpty || !new.isEmpty {
        return (new.contains { $0.state == .booting } ? .booting : .starting, crashed)
      }
    }
    let ready = Set(mine.filter { $0.state == .ready }.map(\.instance))
    if isStopped || wanted.isEmpty { return (live.isEmpty ? .stopped : .stopping, 0) }
    if ready == wanted { return (.ready, crashed) }
    if mine.contains(where: { $0.state == .unready }) { return (.unready, crashed) }
    let missing = wanted.subtracting(mine.map(\.instance))
    if crashed > 0, missing.contains(where: { crashes[$0] != nil }) { return (.crashed, crashed) }
    return (mine.contains { $0.state == .booting } ? .booting : .starting, crashed)
  }

  /// The last crash of an instance that should run, while it matters: until the instance is ready again, and some
  /// minutes longer, since what comes up and goes down again looks well most of the time.
  public func recentCrash(at now: Timestamp) -> Board.Crashes? {
    let wanted = Set(isStopped ? [] : Self.instances(of: formation))
    let last = crashes.filter { wanted.contains($0.key) }.values.max { $0.last < $1.last }
    return last.flatMap { summary.state != .ready || now - $0.last < 300_000 ? $0 : nil }
  }

  /// The cause that a person should read first, if anything is wrong.
  public func worstCause(at now: Timestamp) -> Cause? {
    if let cause = deployment?.cause ?? liveRuns.first(where: { $0.state == .unready })?.cause {
      return cause
    }
    let crash = recentCrash(at: now)
    // While users are served the newer of the two is the news; while they are not, the crash is.
    if let crash, let failure, summary.state == .ready, failure.time > crash.last {
      return failure.cause
    }
    return crash?.cause ?? failure?.cause
  }
}
