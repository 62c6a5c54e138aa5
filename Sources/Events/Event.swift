import HomeLayout

/// The data of an event. `EventType.required` names a type's fields; unknown ones are ignored.
public struct EventData: Hashable, Codable, Sendable {
  /// The user that made the request, as the requesting program reports it; not authenticated.
  public var by: String?
  /// The time after which a request is no longer started.
  public var deadline: Timestamp?
  /// The id of the request that the event belongs to.
  public var request: String?
  public var build: String?
  public var slug: String?
  public var release: ReleaseNumber?
  /// The release that was current before, or that a rollback brings back.
  public var from: ReleaseNumber?
  /// The release of another app from which the slug was promoted.
  public var origin: AppRelease?
  public var config: String?
  /// The digest of the config vars that a change started from.
  public var base: String?
  /// Names of config vars that were set or removed.
  public var set: [String]?
  public var unset: [String]?
  public var formation: [String: Int]?
  /// Limits of each instance by name, in the units of `Limits`; 0 for none.
  public var limits: [String: Int]?
  public var instance: InstanceName?
  /// The sequence number of the run's `instance.starting`.
  public var run: UInt64?
  public var node: String?
  /// What is done to a node: one of the words of `NodeAction`. Of maintenance: `on` or `off`. Of a domain: `add`, `share` or
  /// `rm`. Of the router: `listen` or `trust`.
  public var action: String?
  /// The OTP application that a node action is for.
  public var application: String?
  public var level: String?
  /// How long each application took to start, in milliseconds.
  public var boot: [String: Int]?
  /// How long the other parts of a boot took, from the start of the run's command until it was ready, in milliseconds.
  public var phases: [String: Int]?
  public var pid: Int32?
  public var port: UInt16?
  public var exit: Int32?
  public var signal: Int32?
  public var step: String?
  /// How long a release can be reverted after it became current, in milliseconds.
  public var observe: Int64?
  /// Process types of which no two runs may work at once, beside those without a port.
  public var exclusive: [String]?
  /// False if the old runs are stopped at once when a release becomes current.
  public var standby: Bool?
  /// How many instances are replaced at the same time.
  public var batch: Int?
  /// False if the nodes of the release's instances are not connected with each other.
  public var cluster: Bool?
  /// Milliseconds for which old runs finish their requests, by process type.
  public var drain: [String: Int]?
  /// Whether a rollback runs the release phase.
  public var phase: Bool?
  /// Names of secrets that kept their present values in a rollback.
  public var kept: [String]?
  /// When a release that was reverted had become current.
  public var since: Timestamp?
  public var commit: String?
  /// The subject line of the commit.
  public var line: String?
  /// What clients read during maintenance.
  public var message: String?
  /// The domain that an app is given or that is taken from it.
  public var domain: String?
  /// The app whose pull request a preview is made for, and the number of the pull request.
  public var parent: String?
  public var pull: Int?
  /// Whether the pull request's code is that of a fork.
  public var fork: Bool?
  /// Milliseconds that a preview stays after the last push or renewal; 0 if it stays until it is closed.
  public var lease: Int64?
  /// What a closed preview had, and is gone.
  public var removed: [String]?
  /// Settings of the router or of an app's previews, as an operator writes them.
  public var settings: [String: String]?
  /// The source folder of a build or deployment.
  public var folder: String?
  public var milliseconds: Int64?
  /// Bytes.
  public var size: Int?
  /// When an event of an imported slug happened on the host that built the slug.
  public var occurred: Timestamp?
  /// Sequence numbers that a repair could not recover: `12` or `12-14`.
  public var missing: [String]?
  /// The file into which a repair moved damaged bytes of the log.
  public var aside: String?
  public var cause: Cause?

  public init(_ fill: (inout EventData) -> Void = { _ in }) { fill(&self) }

  public enum Field: String, CaseIterable, CodingKey, Sendable {
    case by, deadline, request, build, slug, release, from, origin, config, base, set, unset,
      formation, limits
    case instance, run, node, action, application, level, boot, phases, pid, port, exit, signal,
      step, observe, exclusive, standby, batch, cluster, drain, phase, kept, since,
      commit, line, message, domain, parent, pull, fork, lease, removed, settings, folder,
      milliseconds
    case size, occurred, missing, aside, cause

    /// The field's description in the reference page.
    public var meaning: String {
      switch self {
      case .by: "the user that caused it"
      case .deadline: "when a request is given up"
      case .request: "id of the request it belongs to"
      case .build: "id of the build"
      case .slug: "id of the slug"
      case .release: "release, such as `v12`"
      case .from: "the release before, or the one rolled back to"
      case .origin: "release of another app that the slug was promoted from, such as `staging/v12`"
      case .config: "digest of the config vars"
      case .base: "digest of the config vars that a change starts from"
      case .set: "names of config vars set"
      case .unset: "names of config vars removed"
      case .formation: "instances wanted by process type"
      case .limits:
        "limits of each instance: `memory` in bytes, `cpu` in thousandths of a processor, `pids`; 0 for none"
      case .instance: "instance, such as `web.1`"
      case .run: "run: sequence number of its `instance.starting`"
      case .node: "node name"
      case .action:
        "what is done to a node: " + EventData.nodeActions.map { "`\($0)`" }.joined(separator: ", ")
          + "; `on` or `off` in `maintenance.requested`; `add`, `share` or `rm` in `domains.requested`; `listen` or `trust` in "
          + "`router.requested`; in `request.refused` the type of the request"
      case .application: "OTP application that it is done to"
      case .level: "log level that a node is given"
      case .boot: "milliseconds that each application took to start"
      case .phases:
        "milliseconds of a boot's other parts; with `boot`, all from the start of the command until ready"
      case .pid: "process id"
      case .port: "TCP port"
      case .exit: "exit code"
      case .signal: "ending signal"
      case .step: "step of the build or deployment"
      case .observe: "milliseconds after the switch in which the release can be reverted"
      case .exclusive: "process types of which no two runs may work at once"
      case .standby: "false: old runs are stopped at the switch"
      case .batch: "how many instances are replaced at the same time"
      case .cluster: "false: the instances' nodes are not connected with each other"
      case .drain: "milliseconds for which old runs finish their requests, by process type"
      case .phase: "whether a rollback runs the release phase"
      case .kept: "names of secrets that kept their present values in a rollback"
      case .since: "when the release had become current"
      case .commit: "commit of the source"
      case .line: "subject line of the commit"
      case .message: "what clients read during maintenance"
      case .domain: "domain of an app, such as `example.com/api`"
      case .parent: "app whose pull request a preview is made for"
      case .pull: "number of the pull request"
      case .fork: "whether the pull request is that of a fork"
      case .lease:
        "milliseconds that a preview stays after the last push or renewal; 0: until it is closed"
      case .removed: "what a closed preview had, and is gone"
      case .settings: "settings of the router, or of an app's previews, by name"
      case .folder: "folder it was made from"
      case .milliseconds: "how long it took"
      case .size: "bytes"
      case .occurred: "when it happened on the host that built the slug"
      case .missing: "sequence numbers that are gone, such as `12-14`"
      case .aside: "file with the bytes that a repair took out of the log"
      case .cause: "why it failed"
      }
    }
  }

  private typealias CodingKeys = Field
}

extension EventData {
  /// The words for actions on a node in `node.action.requested`.
  package static let nodeActions = [
    "log-level", "collect-garbage", "stop-application", "start-application", "restart",
  ]

  /// Milliseconds from the start of a run's command until it was ready; nil if they are not accounted for.
  public var bootMilliseconds: Int64? {
    Board.Boot(run: 0, milliseconds: boot ?? [:], phases: phases).total
  }

  /// Adds the fields as `name=value` words; a cause comes last, as its sentence.
  func addSummary(to text: inout [UInt8]) {
    let start = text.count
    for field in Self.fields {
      guard let word = word(field) else { continue }
      if text.count > start { text.append(UInt8(ascii: " ")) }
      if field != .cause {
        text += field.rawValue.utf8
        text.append(UInt8(ascii: "="))
      }
      text += word.utf8
    }
  }

  private static let fields = Field.allCases

  private func word(_ field: Field) -> String? {
    switch field {
    case .by: by
    case .deadline: deadline?.description
    case .request: request
    case .build: build
    case .slug: slug
    case .release: release?.description
    case .from: from?.description
    case .origin: origin?.description
    case .config: config
    case .base: base
    case .set: set?.joined(separator: ",")
    case .unset: unset?.joined(separator: ",")
    case .formation: formation.map(Self.words)
    case .limits: limits.map(Self.words)
    case .instance: instance?.description
    case .run: run.map { String($0) }
    case .node: node
    case .action: action
    case .application: application
    case .level: level
    case .boot: boot.map(Self.words)
    case .phases: phases.map(Self.words)
    case .pid: pid.map { String($0) }
    case .port: port.map { String($0) }
    case .exit: exit.map { String($0) }
    case .signal: signal.map { String($0) }
    case .step: step
    case .observe: observe.map { String($0) }
    case .exclusive: exclusive?.joined(separator: ",")
    case .standby: standby.map { String($0) }
    case .batch: batch.map { String($0) }
    case .cluster: cluster.map { String($0) }
    case .drain: drain.map(Self.words)
    case .phase: phase.map { String($0) }
    case .kept: kept?.joined(separator: ",")
    case .since: since?.description
    case .commit: commit
    case .line: line
    case .message: message
    case .domain: domain
    case .parent: parent
    case .pull: pull.map { String($0) }
    case .fork: fork.map { String($0) }
    case .lease: lease.map { String($0) }
    case .removed: removed?.joined(separator: ",")
    case .settings: settings.map(Self.words)
    case .folder: folder
    case .milliseconds: milliseconds.map { String($0) }
    case .size: size.map { String($0) }
    case .occurred: occurred?.description
    case .missing: missing?.joined(separator: ",")
    case .aside: aside
    case .cause: cause?.sentence
    }
  }

  private static func words(_ counts: [String: some Any]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0):\($1)" }.joined(separator: ",")
  }
}

/// One line of the log, decoded.
public struct Event: Hashable, Sendable {
  public var sequence: UInt64
  public var id: String
  public var time: Timestamp
  public var source: String
  /// The type as the log has it, which may be one of a newer version.
  public var typeName: String
  public var app: String?
  public var data: EventData
  /// Whether the data could be decoded; if not, `data` is empty.
  public var isReadable: Bool
  /// The raw data if the type is unknown or the data cannot be decoded.
  public var foreign: [UInt8] = []

  public var type: EventType? { isReadable ? EventType(rawValue: typeName) : nil }

  public init(
    sequence: UInt64, id: String, time: Timestamp, source: String, type: EventType, app: String?,
    data: EventData
  ) {
    (self.sequence, self.id, self.time, self.source) = (sequence, id, time, source)
    self.typeName = type.rawValue
    (self.app, self.data) = (app, data)
    isReadable = true
  }

  /// An event with only the fixed part of its envelope.
  public init(sequence: UInt64, time: Timestamp) {
    self.sequence = sequence
    id = ""
    self.time = time
    source = ""
    typeName = "unreadable"
    data = EventData()
    isReadable = false
  }
}

extension Event: Encodable {
  private enum CodingKeys: String, CodingKey {
    case seq, specversion, id, time, source, type, subject, data
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    let digits = String(sequence)
    try container.encode(
      String(repeating: "0", count: max(0, 16 - digits.count)) + digits, forKey: .seq)
    try container.encode("1.0", forKey: .specversion)
    try container.encode(id, forKey: .id)
    try container.encode(time, forKey: .time)
    try container.encode(source, forKey: .source)
    try container.encode(typeName, forKey: .type)
    try container.encodeIfPresent(app, forKey: .subject)
    try container.encode(data, forKey: .data)
  }
}
