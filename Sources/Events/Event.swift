import HomeLayout

/// What an event says beside its envelope, in the product's words. Which fields a type must have stands in
/// `EventType.required`; a field that a reader does not know is passed over.
public struct EventData: Hashable, Codable, Sendable {
  /// The user that caused it: a courtesy, not a proof.
  public var by: String?
  /// The moment after which a request is not begun any more.
  public var deadline: Timestamp?
  /// The id of the request that this event belongs to.
  public var request: String?
  public var build: String?
  public var slug: String?
  public var release: ReleaseNumber?
  /// The release that was current before, or that is rolled back to.
  public var from: ReleaseNumber?
  /// The digest of a set of config vars.
  public var config: String?
  /// The digest of the set that a change of config vars starts from.
  public var base: String?
  /// Names of config vars that were set or removed.
  public var set: [String]?
  public var unset: [String]?
  public var formation: [String: Int]?
  public var instance: InstanceName?
  /// The sequence number of the run's `instance.starting`.
  public var run: UInt64?
  public var node: String?
  /// What is done to a node: one of `NodeAction`'s words.
  public var action: String?
  /// The OTP application that it is done to.
  public var application: String?
  /// The log level that a node is given.
  public var level: String?
  /// How long each application took to start, in milliseconds.
  public var boot: [String: Int]?
  public var pid: Int32?
  public var port: UInt16?
  public var exit: Int32?
  public var signal: Int32?
  public var step: String?
  public var commit: String?
  /// The commit's subject line.
  public var line: String?
  /// What was built or deployed from.
  public var folder: String?
  public var milliseconds: Int64?
  /// Bytes.
  public var size: Int?
  /// When an event that came with a slug happened, on the host that built it.
  public var occurred: Timestamp?
  /// Sequence numbers that a repair could not bring back: `12` or `12-14`.
  public var missing: [String]?
  /// The file that holds what a repair took out of the log.
  public var aside: String?
  public var cause: Cause?

  public init(_ fill: (inout EventData) -> Void = { _ in }) { fill(&self) }

  public enum Field: String, CaseIterable, CodingKey, Sendable {
    case by, deadline, request, build, slug, release, from, config, base, set, unset, formation
    case instance, run, node, action, application, level, boot, pid, port, exit, signal, step,
      commit, line, folder, milliseconds
    case size, occurred, missing, aside, cause

    /// For the reference page.
    public var meaning: String {
      switch self {
      case .by: "the user that caused it"
      case .deadline: "when a request is given up"
      case .request: "id of the request it belongs to"
      case .build: "id of the build"
      case .slug: "id of the slug"
      case .release: "release, such as `v12`"
      case .from: "the release before, or the one rolled back to"
      case .config: "digest of the config vars"
      case .base: "digest of the config vars that a change starts from"
      case .set: "names of config vars set"
      case .unset: "names of config vars removed"
      case .formation: "instances wanted by process type"
      case .instance: "instance, such as `web.1`"
      case .run: "run: sequence number of its `instance.starting`"
      case .node: "node name"
      case .action:
        "what is done to a node: " + EventData.nodeActions.map { "`\($0)`" }.joined(separator: ", ")
      case .application: "OTP application that it is done to"
      case .level: "log level that a node is given"
      case .boot: "milliseconds that each application took to start"
      case .pid: "process id"
      case .port: "TCP port"
      case .exit: "exit code"
      case .signal: "ending signal"
      case .step: "step of the build or deployment"
      case .commit: "commit of the source"
      case .line: "subject line of the commit"
      case .folder: "folder it was made from"
      case .milliseconds: "how long it took"
      case .size: "bytes"
      case .occurred: "when it happened, if it came with a slug built elsewhere"
      case .missing: "sequence numbers that are gone, such as `12-14`"
      case .aside: "file that holds what was taken out of the log"
      case .cause: "why it failed"
      }
    }
  }

  private typealias CodingKeys = Field
}

extension EventData {
  /// What `node.action.requested` calls what is done to a node.
  package static let nodeActions = [
    "log-level", "collect-garbage", "stop-application", "start-application", "restart",
  ]

  /// Adds the fields as `name=value` words, in the order of `Field`; a cause as its sentence, last.
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
    case .config: config
    case .base: base
    case .set: set?.joined(separator: ",")
    case .unset: unset?.joined(separator: ",")
    case .formation: formation.map(Self.words)
    case .instance: instance?.description
    case .run: run.map { String($0) }
    case .node: node
    case .action: action
    case .application: application
    case .level: level
    case .boot: boot.map(Self.words)
    case .pid: pid.map { String($0) }
    case .port: port.map { String($0) }
    case .exit: exit.map { String($0) }
    case .signal: signal.map { String($0) }
    case .step: step
    case .commit: commit
    case .line: line
    case .folder: folder
    case .milliseconds: milliseconds.map { String($0) }
    case .size: size.map { String($0) }
    case .occurred: occurred?.description
    case .missing: missing?.joined(separator: ",")
    case .aside: aside
    case .cause: cause?.sentence
    }
  }

  private static func words(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0):\($1)" }.joined(separator: ",")
  }
}

/// One line of the log, read.
public struct Event: Hashable, Sendable {
  public var sequence: UInt64
  public var id: String
  public var time: Timestamp
  public var source: String
  /// As it stands in the log; a type of a newer version is shown as it is.
  public var typeName: String
  /// The app it is about.
  public var app: String?
  public var data: EventData
  /// Whether the data could be read as ours; if not, `data` is empty.
  public var isReadable: Bool
  /// The data as it stands in the log, where the type is none of ours or its data cannot be read as ours.
  public var foreign: [UInt8] = []

  public var type: EventType? { isReadable ? EventType(rawValue: typeName) : nil }

  public init(
    sequence: UInt64, id: String, time: Timestamp, source: String, type: EventType, app: String?,
    data: EventData
  ) {
    self.sequence = sequence
    self.id = id
    self.time = time
    self.source = source
    self.typeName = type.rawValue
    self.app = app
    self.data = data
    isReadable = true
  }

  /// An event of which only the envelope's fixed part could be read.
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
