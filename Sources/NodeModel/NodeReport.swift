import Events
import HomeLayout

/// The report on a node that is watched or can be watched: its origin, its state and its known facts.
public struct NodeReport: Hashable, Sendable {
  /// How the node became known.
  public enum Origin: Hashable, Sendable {
    /// The node of a run of this home.
    case run(app: String, instance: InstanceName, run: UInt64, release: ReleaseNumber)
    /// Named on the command line.
    case given
    /// Found among the processes of this host.
    case found(pid: Int32)
  }

  public enum State: String, Sendable {
    /// Known but not asked: nothing on the screen needs it.
    case idle
    case connecting
    case up
    /// The node can be connected to, but it does not answer.
    case silent
    case down
  }

  /// The id of the node. Its name is not unique: two nodes of different hosts or containers may have the same name.
  public var id: String
  /// `greeter-web-1-42@127.0.0.1`, the best known name; the name that the node itself reports is in `snapshot`.
  public var name: String
  public var origin: Origin
  public var state = State.idle
  /// Why it is not up, and what to do.
  public var cause: Cause?
  /// The last known snapshot, which is kept when the node goes down.
  public var snapshot: NodeSnapshot?
  public var boot: BootTimeline?
  public var survey: ProcessSurvey?
  public var settings: NodeSettings?
  /// The requested supervision tree.
  public var tree: SupervisionTree?
  /// System and crash events, and changes of its state, oldest first.
  public var happenings: [NodeHappening] = []
}

extension NodeReport {
  public init(id: String, name: String, origin: Origin, state: State = .idle, cause: Cause? = nil) {
    (self.id, self.name, self.origin, self.state, self.cause) = (id, name, origin, state, cause)
  }
}

/// The processes of one application, depth first.
public struct SupervisionTree: Hashable, Sendable {
  public var application: String
  public var entries: [SupervisionEntry]
  /// Why there is no tree, or not all of it.
  public var note: String?

  public init(application: String, entries: [SupervisionEntry] = [], note: String? = nil) {
    (self.application, self.entries, self.note) = (application, entries, note)
  }
}

/// Something that happened in a node or to the connection with it.
public struct NodeHappening: Hashable, Sendable {
  public var time: Timestamp
  public var text: String
  public var isBad: Bool

  public init(time: Timestamp, text: String, isBad: Bool = false) {
    (self.time, self.text, self.isBad) = (time, text, isBad)
  }
}

/// A line of a node's own log, as its logger gives it.
public struct NodeLogLine: Hashable, Sendable {
  /// RFC 5424's severities, the worst first, as OTP's logger has them.
  public enum Level: String, CaseIterable, Sendable {
    case emergency, alert, critical, error, warning, notice, info, debug
  }

  public var time: Timestamp
  public var level: Level
  /// The module that logged; empty if it is not known.
  public var module: String
  /// `<0.231.0>`
  public var pid: String
  public var text: String

  public init(time: Timestamp, level: Level, module: String, pid: String, text: String) {
    (self.time, self.level, self.module) = (time, level, module)
    (self.pid, self.text) = (pid, text)
  }
}

extension NodeLogLine.Level: Comparable {
  /// A more severe level is less than a milder one.
  public static func < (left: Self, right: Self) -> Bool {
    let all = Self.allCases
    return (all.firstIndex(of: left) ?? 0) < (all.firstIndex(of: right) ?? 0)
  }
}

/// New lines of one node's log, and the count of lines lost before them because they came too fast.
public struct NodeLogPart: Hashable, Sendable {
  public var node: String
  public var lines: [NodeLogLine]
  public var lost: Int

  public init(node: String, lines: [NodeLogLine], lost: Int = 0) {
    (self.node, self.lines, self.lost) = (node, lines, lost)
  }
}

/// The parts of nodes to watch. Only these are read, so that what is not on the screen costs nothing.
public struct NodeAttention: Hashable, Sendable {
  public struct Parts: OptionSet, Hashable, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Versions, memory, counts and applications.
    public static let vitals = Parts(rawValue: 1)
    /// The boot, read often enough to time each application; nothing more once the node has booted.
    public static let boot = Parts(rawValue: 2)
    /// A walk over its processes.
    public static let processes = Parts(rawValue: 4)
    public static let settings = Parts(rawValue: 8)
    public static let log = Parts(rawValue: 16)
    /// Long garbage collections, busy ports and other system events.
    public static let happenings = Parts(rawValue: 32)
  }

  /// The parts to watch by a report's id; a node without an entry is not watched.
  public var nodes: [String: Parts]
  /// The application whose supervision tree to read, with the id of its node.
  public var tree: Tree?
  /// Whether to search the processes of this host for nodes.
  public var discovers: Bool

  public struct Tree: Hashable, Sendable {
    public var node: String
    public var application: String

    public init(node: String, application: String) {
      (self.node, self.application) = (node, application)
    }
  }

  public init(nodes: [String: Parts] = [:], tree: Tree? = nil, discovers: Bool = false) {
    (self.nodes, self.tree, self.discovers) = (nodes, tree, discovers)
  }
}

/// A node as our programs print it with `--json`.
public struct NodeFacts: Encodable, Sendable {
  public struct Application: Encodable, Sendable {
    var application: String
    var version: String
    var type: String?
    var state: String
    var order: Int?
    var ms: Int64?

    private enum CodingKeys: String, CodingKey {
      case application, version, type, state, order, ms
    }

    /// Unknown values are `null`, so that each application has the same members.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(application, forKey: .application)
      try container.encode(version, forKey: .version)
      try container.encode(type, forKey: .type)
      try container.encode(state, forKey: .state)
      try container.encode(order, forKey: .order)
      try container.encode(ms, forKey: .ms)
    }
  }

  var node: String
  var otp: String?
  var erts: String?
  var uptime: Int64?
  var processes: Int?
  var memory: Int?
  var ready: Bool
  var state: String
  var applications: [Application]
  var cause: Cause?
  var app: String?
  var instance: InstanceName?
  var pid: Int32?

  public init(_ report: NodeReport) {
    let snapshot = report.snapshot
    node = snapshot?.node ?? report.name
    (otp, erts, uptime) = (snapshot?.otp, snapshot?.erts, snapshot?.uptime)
    (processes, memory) = (snapshot?.processes.count, snapshot?.memory.total)
    ready = report.state == .up && snapshot?.isReady == true
    state = report.state.rawValue
    let times = report.boot?.milliseconds ?? [:]
    applications = (snapshot?.applications ?? []).map {
      Application(
        application: $0.name, version: $0.version, type: $0.type?.rawValue,
        state: $0.state.rawValue, order: $0.order, ms: times[$0.name])
    }
    cause = report.cause
    switch report.origin {
    case .run(let app, let instance, _, _): (self.app, self.instance) = (app, instance)
    case .given: break
    case .found(let pid): self.pid = pid
    }
  }
}
