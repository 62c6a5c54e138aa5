import ReleaseModel

/// A running BEAM as it was at one moment, by its own words.
///
/// Source of what the fields mean: `erlang:system_info/1`, `erlang:memory/0`, `application_controller:info/0`
/// and `init:get_status/0`, ERTS and Kernel reference manuals.
public struct NodeSnapshot: Hashable, Sendable {
  /// A number of things and how many there may be.
  public struct Usage: Hashable, Sendable {
    public var count: Int
    public var limit: Int

    public init(_ count: Int, of limit: Int) { (self.count, self.limit) = (count, limit) }

    /// Above four fifths of what may be: it may end the node soon.
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
  /// Whether it has booted and no application is on its way.
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
  /// In the order in which they were started; those that were not, behind them by name.
  public var applications: [Application] = []
  /// Other nodes it is connected to, hidden ones too; not we.
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
    /// How it was started; nil where it was not.
    public var type: OTPRelease.StartType?
    /// Its place among those that run, from 1 in the order in which they were started.
    public var order: Int?
    /// What it waits for: the applications that must run before it.
    public var dependencies: [String]
    /// One line of its own, from its resource file.
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

/// What a walk over a node's processes found.
public struct ProcessSurvey: Hashable, Sendable {
  /// A process that has much of something.
  public struct Leader: Hashable, Sendable {
    /// `<0.231.0>`
    public var pid: String
    /// Its registered name, else the function it began with.
    public var name: String
    /// Reductions since the walk before; nil in the first.
    public var reductions: Int?
    public var messages: Int
    /// Bytes.
    public var memory: Int

    public init(pid: String, name: String, reductions: Int?, messages: Int, memory: Int) {
      (self.pid, self.name, self.reductions) = (pid, name, reductions)
      (self.messages, self.memory) = (messages, memory)
    }
  }

  /// What the processes of one application have together.
  public struct Share: Hashable, Sendable {
    public var processes: Int
    /// Bytes.
    public var memory: Int

    public init(processes: Int, memory: Int) { (self.processes, self.memory) = (processes, memory) }
  }

  /// Those that work most, at most ten, most first.
  public var busiest: [Leader]
  /// Those with most messages waiting, at most ten, most first; none with an empty queue.
  public var queues: [Leader]
  /// Those that take most memory, at most ten, most first.
  public var largest: [Leader]
  /// By application; processes of none are under an empty name.
  public var applications: [String: Share]

  public init(
    busiest: [Leader] = [], queues: [Leader] = [], largest: [Leader] = [],
    applications: [String: Share] = [:]
  ) {
    (self.busiest, self.queues, self.largest) = (busiest, queues, largest)
    self.applications = applications
  }
}

/// What a node was started with; it seldom changes.
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
  /// Empty where the node has no release handler.
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
    /// Children that are too many to be listed; `name` says how many.
    case more
  }

  /// 0 for the application's top supervisor.
  public var depth: Int
  public var kind: Kind
  /// The child's id, for the top supervisor its module.
  public var name: String
  /// `<0.231.0>`; nil for a child that does not run now.
  public var pid: String?
  /// What the process does now, `gen_server:loop/7`; `restarting` for one that is being started again.
  public var doing: String

  public init(depth: Int, kind: Kind, name: String, pid: String?, doing: String = "") {
    (self.depth, self.kind, self.name, self.pid) = (depth, kind, name, pid)
    self.doing = doing
  }
}
