import ReleaseModel

/// The state of a node at one moment, as the node reported it.
///
/// Source for the meaning of the fields: `erlang:system_info/1`, `erlang:memory/0`, `application_controller:info/0` and
/// `init:get_status/0`, ERTS and Kernel reference manuals.
public struct NodeSnapshot: Hashable, Sendable {
  /// A count and its limit.
  public struct Usage: Hashable, Sendable {
    public var count: Int
    public var limit: Int

    public init(_ count: Int, of limit: Int) { (self.count, self.limit) = (count, limit) }

    /// Whether the count is above four fifths of the limit; reaching the limit may end the node.
    public var isHigh: Bool { limit > 0 && count > limit / 5 * 4 }
  }

  /// Bytes by kind; `total` is `processes` and `system`, which holds the other kinds.
  public struct Memory: Hashable, Sendable {
    public var total = 0
    public var processes = 0
    public var system = 0
    public var atom = 0
    public var binary = 0
    public var code = 0
    public var ets = 0

    public init() {}
  }

  public var node: String
  /// `25`
  public var otp = ""
  /// `13.1.5`
  public var erts = ""
  /// Milliseconds since the runtime system started.
  public var uptime: Int64 = 0
  /// Whether it has booted and no application is being started.
  public var isReady = false
  /// `starting`, `started` or `stopping`.
  public var status = ""
  public var schedulers = 0
  public var schedulersOnline = 0
  /// Processes and ports that are ready to run and wait for a scheduler, by run queue.
  public var runQueues: [Int] = []
  public var memory = Memory()
  public var processes = Usage(0, of: 0)
  public var ports = Usage(0, of: 0)
  public var atoms = Usage(0, of: 0)
  public var ets = Usage(0, of: 0)
  /// In the order in which they were started; applications that do not run come last, by name.
  public var applications: [Application] = []
  /// Other nodes that it is connected to, hidden ones included, but not ourselves.
  public var peers: [String] = []
}

extension NodeSnapshot {
  public init(node: String) { self.node = node }

  /// An OTP application inside the node.
  public struct Application: Hashable, Sendable {
    public enum State: String, Sendable {
      case loaded, starting, running
    }

    public var name: String
    public var version: String
    public var state: State
    /// How it was started; nil if it was not.
    public var type: OTPRelease.StartType?
    /// Its place among the running applications, from 1 in the order in which they were started.
    public var order: Int?
    /// The applications that must run before it.
    public var dependencies: [String]
    /// The description in its resource file.
    public var description: String

    public init(
      name: String, version: String = "", state: State = .running,
      type: OTPRelease.StartType? = nil, order: Int? = nil, dependencies: [String] = [],
      description: String = ""
    ) {
      (self.name, self.version, self.state, self.type) = (name, version, state, type)
      (self.order, self.dependencies, self.description) = (order, dependencies, description)
    }
  }
}

/// The result of a walk over a node's processes.
public struct ProcessSurvey: Hashable, Sendable {
  /// A process with one of the highest values of a kind.
  public struct Leader: Hashable, Sendable {
    /// `<0.231.0>`
    public var pid: String
    /// Its registered name, else the function it began with.
    public var name: String
    /// Reductions during the survey, or since the process's start if the node has many processes; only in `busiest`.
    public var reductions: Int?
    public var messages: Int
    /// Bytes.
    public var memory: Int

    public init(pid: String, name: String, reductions: Int?, messages: Int, memory: Int) {
      (self.pid, self.name, self.reductions) = (pid, name, reductions)
      (self.messages, self.memory) = (messages, memory)
    }
  }

  /// The totals of one application's processes.
  public struct Share: Hashable, Sendable {
    public var processes: Int
    /// Bytes.
    public var memory: Int

    public init(processes: Int, memory: Int) { (self.processes, self.memory) = (processes, memory) }
  }

  /// The processes with the most reductions, at most ten, the highest first.
  public var busiest: [Leader]
  /// The processes with the most waiting messages, at most ten, the highest first; none with an empty queue.
  public var queues: [Leader]
  /// The processes with the most memory, at most ten, the highest first.
  public var largest: [Leader]
  /// By application; processes of no application are under an empty name.
  public var applications: [String: Share]

  public init(
    busiest: [Leader] = [], queues: [Leader] = [], largest: [Leader] = [],
    applications: [String: Share] = [:]
  ) {
    (self.busiest, self.queues, self.largest) = (busiest, queues, largest)
    self.applications = applications
  }
}

/// The settings that a node was started with; they seldom change.
public struct NodeSettings: Hashable, Encodable, Sendable {
  /// A value of the application environment, as text; secrets are masked.
  public struct Value: Hashable, Encodable, Sendable {
    public var application: String
    public var key: String
    public var text: String

    private enum CodingKeys: String, CodingKey {
      case application, key
      case text = "value"
    }

    public init(application: String, key: String, text: String) {
      (self.application, self.key, self.text) = (application, key, text)
    }
  }

  /// An OTP release as the node's release handler knows it.
  public struct Release: Hashable, Encodable, Sendable {
    public var name: String
    public var version: String
    /// `permanent`, `current`, `old` or `unpacked`.
    public var status: String

    public init(name: String, version: String, status: String) {
      (self.name, self.version, self.status) = (name, version, status)
    }
  }

  /// Flags of the VM and emulator, in their order; a cookie is masked.
  public var flags: [String]
  public var values: [Value]
  /// Empty if the node has no release handler.
  public var releases: [Release]

  private enum CodingKeys: String, CodingKey {
    case flags
    case values = "environment"
    case releases
  }

  public init(flags: [String] = [], values: [Value] = [], releases: [Release] = []) {
    (self.flags, self.values, self.releases) = (flags, values, releases)
  }
}

/// One process of an application's supervision tree.
public struct SupervisionEntry: Hashable, Sendable {
  public enum Kind: String, Sendable {
    case supervisor, worker
    /// A line in place of children that are too many to list; `name` says how many.
    case more
  }

  /// 0 for the application's top supervisor.
  public var depth: Int
  public var kind: Kind
  /// The child's id, for the top supervisor its module.
  public var name: String
  /// `<0.231.0>`; nil for a child that does not run now.
  public var pid: String?
  /// The current function, such as `gen_server:loop/7`; `restarting` for a child that is being restarted.
  public var doing: String

  public init(depth: Int, kind: Kind, name: String, pid: String?, doing: String = "") {
    (self.depth, self.kind, self.name, self.pid) = (depth, kind, name, pid)
    self.doing = doing
  }
}
