import HomeLayout

/// The current state of a host, folded from its events. The same events give the same board.
public struct Board: Hashable, Codable, Sendable {
  public var apps: [String: App] = [:]
  /// Requests that no outcome has ended yet, oldest first.
  public var requests: [Request] = []
  public var builds: [String: Build] = [:]
  public var agent: Agent?
  /// Nil for the defaults.
  public var router: RouterSettings?
  /// The certificates of the router, by name; nil for none.
  public var certificates: [Certificate]?
  /// The number of the last event folded in; 0 before the first.
  public var sequence: UInt64 = 0
  public var time = Timestamp(milliseconds: 0)

  /// The version of a board's checkpoint. It grows with each change of the fold or of the board's
  /// fields; boards of older versions can still be read.
  public static let version = 7

  public init() {}

  /// What the agent last reported of itself. Its lock tells whether it is alive.
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
    /// The number of the event that accepted it; 0 before. Runs started for it have greater ones.
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
    /// What clients read, in place of the app's answers, during maintenance; nil if there is none.
    public var maintenance: String?
    /// The names under which clients reach the app beside its name below localhost, in their order; nil for none.
    public var domains: [Domain]?
    /// How the router treats its requests; nil for the defaults.
    public var routing: RouteOptions?
    /// The limits of each instance; nil for none.
    public var limits: Limits?
    /// What makes it a preview; nil for an ordinary app.
    public var preview: Preview?
    /// The digest of the config vars that the app's previews get.
    public var previewConfig: String?
    /// The host below which the app's previews have addresses, such as `previews.example.com`.
    public var previewHost: String?
    /// How many previews there may be of the app; nil for the usual number.
    public var mostPreviews: Int?
    /// Since when it sleeps because it had no requests; nil if it does not.
    public var asleep: Timestamp?
    /// Whether an operator stopped the app; the formation is kept.
    public var isStopped = false
    /// Live runs, and the last ended run of each instance.
    public var runs: [Run] = []
    public var crashes: [InstanceName: Crashes] = [:]
    /// Why the last deployment failed, until the next one starts.
    public var failure: Failure?
    /// Why nodes of its ready instances are not connected with each other.
    public var split: Cause?
    /// Where the router answers for the app; never in the log, but in the router's folder.
    public var address: String?
    /// The requests that the router has counted; never in the log.
    public var traffic: Traffic?
    public var changed: Timestamp

    public init(name: String, changed: Timestamp) {
      (self.name, self.changed) = (name, changed)
    }
  }

  /// One numbered entry in an app's ledger.
  public struct Release: Hashable, Codable, Sendable {
    public var number: ReleaseNumber
    public var slug: String
    public var config: String
    public var time: Timestamp
    public var by: String?
    /// The release that this one brings back, if it was made by a rollback.
    public var from: ReleaseNumber?
    /// Whether its release phase was started; nil if it was not.
    public var ranPhase: Bool?
    /// The release of another app from which the slug was promoted.
    public var origin: AppRelease?
    public var commit: String?
    public var line: String?
    /// Config vars that were set, if a change of config vars made the release.
    public var set: [String]?
    public var unset: [String]?
    /// The id of the request that the release was made for.
    public var request: String?
    /// Whether the release was ever current.
    public var wasCurrent = false
    /// Whether the release has passed its observation; nil if an older version recorded it.
    public var hasPassed: Bool?
    /// Whether a rollback or a revert replaced the release.
    public var wasLeft: Bool?
    /// Why the release did not become current, or was reverted.
    public var failure: Cause?
    /// How the release replaces another one, as its app.json says.
    public var rollout: Rollout?
    /// The last two boots with known times, the newest last.
    public var boots: [Boot]?

    /// Whether the release was current and passed its observation.
    public var isHealthy: Bool { hasPassed ?? wasCurrent }

    /// Milliseconds that each application took to start in the last boot.
    public var lastBoot: [String: Int]? { boots?.last?.milliseconds }

    /// The times of the last boot of another run.
    public func lastBoot(besides run: UInt64) -> [String: Int]? {
      boots?.last { $0.run != run }?.milliseconds
    }
  }

  /// How a release replaces another one.
  public struct Rollout: Hashable, Codable, Sendable {
    /// Milliseconds after the switch in which the release can be reverted; 0 for never.
    public var observe: Int64
    /// Process types of which no two runs may work at once, beside those without a port.
    public var exclusive: [String]
    /// Whether old runs stay without traffic during the observation.
    public var hasStandby: Bool
    /// How many instances are replaced at the same time; nil for a quarter in a restart, and for all in a deployment.
    public var batch: Int?
    /// False if the agent does not connect the nodes of the release's instances with each other.
    public var cluster: Bool?
    public var isClustered: Bool { cluster != false }
    /// Milliseconds for which old runs finish their requests after the switch, by process type.
    public var drain: [String: Int]

    public init(
      observe: Int64 = 0, exclusive: [String] = [], hasStandby: Bool = true, batch: Int? = nil,
      isClustered: Bool = true, drain: [String: Int] = [:]
    ) {
      (self.observe, self.exclusive) = (observe, exclusive)
      (self.hasStandby, cluster, self.drain) = (hasStandby, isClustered ? nil : false, drain)
      self.batch = batch
    }
  }

  /// How long each application of one run took to start.
  public struct Boot: Hashable, Codable, Sendable {
    public var run: UInt64
    public var milliseconds: [String: Int]
    /// The other parts from the start of the command until the run was ready; nil if they are not known.
    public var phases: [String: Int]?

    public init(run: UInt64, milliseconds: [String: Int], phases: [String: Int]? = nil) {
      (self.run, self.milliseconds, self.phases) = (run, milliseconds, phases)
    }

    /// Milliseconds from the start of the command until the run was ready; nil if they are not known.
    public var total: Int64? {
      phases.map { phases in
        (Array(phases.values) + milliseconds.values).reduce(0) { $0 &+ Int64(max(0, $1)) }
      }
    }
  }

  /// The act of making a release current.
  public struct Deployment: Hashable, Codable, Sendable {
    public var release: ReleaseNumber
    public var request: String?
    public var since: Timestamp
    public var step: String?
    public var formation: [String: Int]
    /// Whether only config vars change. It does not start an app that an operator stopped.
    public var isConfigChange = false
    /// What was before, to which a revert returns.
    public var former: Former?
    /// When the new runs were ready and the release became current.
    public var switched: Timestamp?
    /// How many instances are replaced at the same time, each old run when its successor is ready; nil if all new runs start
    /// beside the old ones.
    public var batch: Int?
    /// Whether the observation is over, passed or not; then the old runs are stopped.
    public var isObserved: Bool?
    /// Why the former release is being brought back.
    public var cause: Cause?

    public var hasSwitched: Bool { switched != nil }
    public var isReverting: Bool { cause != nil }
  }

  /// The state of an app before a deployment.
  public struct Former: Hashable, Codable, Sendable {
    public var release: ReleaseNumber
    public var formation: [String: Int]
    public var config: String?
    public var isStopped: Bool
  }

  public struct Failure: Hashable, Codable, Sendable {
    public var release: ReleaseNumber
    public var cause: Cause
    public var time: Timestamp
  }

  /// One incarnation of an instance.
  public struct Run: Hashable, Codable, Sendable {
    /// The sequence number of the run's `instance.starting`.
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
    /// When another release took over from the run's; requests that it has may take until the end of its drain.
    public var replaced: Timestamp?
    /// Whether the run's `relshim` is gone. Its process goes on serving until another run is ready in its place.
    public var isOrphan: Bool?
    /// How many other nodes of the app its node is connected with, as the agent saw it last; nil if it has no node or no
    /// other is ready. Never in the log, but in the run's folder.
    public var peers: Int?
    /// Whether it was ready once; nil if it was not.
    public var wasReady: Bool?
    /// The last answer of its check, while it is not ready; never in the log, but in the run's folder.
    public var answer: String?

    public init(
      id: UInt64, instance: InstanceName, release: ReleaseNumber, state: RunState, since: Timestamp,
      port: UInt16? = nil, node: String? = nil
    ) {
      (self.id, self.instance, self.release, self.state) = (id, instance, release, state)
      (self.since, started, self.port, self.node) = (since, since, port, node)
    }
  }

  /// The consecutive crashes of an instance.
  public struct Crashes: Hashable, Codable, Sendable {
    public var count: Int
    public var last: Timestamp
    public var cause: Cause?
    /// Whether the agent has stopped restarting the instance.
    public var isAbandoned = false
  }
}

public enum RunState: String, Codable, Sendable, CaseIterable {
  case starting, booting, ready, unready, stopping, crashed, stopped

  /// Whether the run's process may still exist.
  public var isLive: Bool { self != .crashed && self != .stopped }
}

extension Board.App {
  /// What clients read during maintenance if the operator says nothing.
  public static let maintenanceMessage = "This app is under maintenance."

  /// The most instances of one process type, which bounds what a line of the log can start.
  public static let mostInstances = 100

  public func release(_ number: ReleaseNumber?) -> Board.Release? {
    number.flatMap { number in releases.last { $0.number == number } }
  }

  public var currentRelease: Board.Release? { release(current) }

  /// The number for the next release. It is also greater than that of any run's release, because
  /// the ledger may lack a release whose line in the log was lost.
  public var nextRelease: ReleaseNumber {
    let given = releases.map(\.number) + [current, deployment?.release].compactMap { $0 }
    let greatest = (given + runs.map(\.release)).map(\.value).max() ?? 0
    return ReleaseNumber(greatest + 1)
  }

  /// The release that a rollback without a number brings back: the newest that was healthy and was not itself left by a
  /// rollback or a revert. While a release is deployed that is the current one.
  public var previousRelease: Board.Release? {
    guard let now = currentRelease else { return nil }
    if let deployment, !deployment.hasSwitched { return now }
    return releases.last { old in
      old.number < now.number && old.isHealthy && old.wasLeft != true && old.number != now.from
        && (old.slug, old.config) != (now.slug, now.config)
    }
  }

  /// Whether a new run of the process type may work beside an old one of the release.
  public func mayRunTwice(_ process: String, _ release: ReleaseNumber?) -> Bool {
    ProcessType.mayRunTwice(process)
      && self.release(release)?.rollout?.exclusive.contains(process) != true
  }

  /// Whether a run of one release may work beside runs of the others: all of them must allow it.
  public func mayRunBeside(_ process: String, _ new: ReleaseNumber?, _ old: [ReleaseNumber?])
    -> Bool
  {
    ([new] + old).allSatisfy { mayRunTwice(process, $0) }
  }

  /// Whether a new run of a release that replaces others like this may work beside one of the current release.
  public func mayRunBesideCurrent(_ process: String, replacing rollout: Board.Rollout) -> Bool {
    mayRunTwice(process, current) && !rollout.exclusive.contains(process)
  }

  public func run(_ id: UInt64) -> Board.Run? { runs.first { $0.id == id } }

  public var liveRuns: [Board.Run] { runs.filter(\.state.isLive) }

  /// How many instances a restart replaces at the same time, so that most of them serve meanwhile.
  public func batch(of count: Int) -> Int {
    max(1, currentRelease?.rollout?.batch ?? count / 4)
  }

  /// The instances that a formation names.
  public static func instances(of formation: [String: Int]) -> [InstanceName] {
    formation.flatMap { process, count in
      (0..<min(max(0, count), mostInstances)).map { InstanceName(process, $0 + 1) }
    }.sorted()
  }

  /// Whether no instance is to run for now: an operator has stopped it, or it sleeps.
  public var isAtRest: Bool { isStopped || asleep != nil }

  /// The app's state in one word, and the most consecutive crashes of an instance.
  public var summary: (state: RunState, crashes: Int) {
    let live = liveRuns
    let wanted = Set(isAtRest ? [] : Self.instances(of: formation))
    let mine = live.filter { $0.release == current && wanted.contains($0.instance) }
    let crashed = crashes.filter { wanted.contains($0.key) }.values.map(\.count).max() ?? 0
    if let deployment, !deployment.hasSwitched {
      let new = live.filter { $0.release == deployment.release }
      if mine.isEmpty || !new.isEmpty {
        return (new.contains { $0.state == .booting } ? .booting : .starting, crashed)
      }
    }
    let ready = Set(mine.filter { $0.state == .ready }.map(\.instance))
    if wanted.isEmpty { return (live.isEmpty ? .stopped : .stopping, 0) }
    if ready == wanted { return (.ready, crashed) }
    if mine.contains(where: { $0.state == .unready }) { return (.unready, crashed) }
    let missing = wanted.subtracting(mine.map(\.instance))
    if crashed > 0, missing.contains(where: { crashes[$0] != nil }) { return (.crashed, crashed) }
    return (mine.contains { $0.state == .booting } ? .booting : .starting, crashed)
  }

  /// The last crash of an instance that should run. It is shown until the instance is ready again
  /// and for some minutes longer, because an instance in a crash loop looks ready most of the time.
  public func recentCrash(at now: Timestamp) -> Board.Crashes? {
    let wanted = Set(isStopped ? [] : Self.instances(of: formation))
    let last = crashes.filter { wanted.contains($0.key) }.values.max { $0.last < $1.last }
    return last.flatMap { summary.state != .ready || now - $0.last < 300_000 ? $0 : nil }
  }

  /// The cause that an operator should read first; nil if nothing is wrong.
  public func worstCause(at now: Timestamp) -> Cause? {
    if let cause = deployment?.cause ?? liveRuns.first(where: { $0.state == .unready })?.cause {
      return cause
    }
    if let split { return split }
    let crash = recentCrash(at: now)
    // While the app serves, the newer of the two is shown; otherwise the crash.
    if let crash, let failure, summary.state == .ready, failure.time > crash.last {
      return failure.cause
    }
    return crash?.cause ?? failure?.cause
  }
}
