import DiskReserve
import Events
import HomeLayout
import Instance
import Posix

/// What a host offers to reltui, as it was read; `HostCheck` judges it.
public struct HostFacts: Sendable {
  public var isRoot: Bool
  public var user: String
  /// Where each program is, by its name; those that were not found are missing.
  public var programs: [String: String] = [:]
  /// The words before a package's name that install it; nil if the host has no package manager that we know.
  public var installer: String?
  /// Why namespaces of its own cannot be given to a program; nil if they can.
  public var namespaceFault: String?
  /// Settings of the kernel, by their names in sysctl(8).
  public var settings: [String: Int] = [:]
  /// Where runs have their control groups; nil if they have none.
  public var groups: String?
  /// Why limits of apps are not enforced, all or some of them; nil if all are.
  public var limitsGap: Cause?
  public var apps = Apps()
  /// The modes of the folders that other users need; those that are not there are missing.
  public var folders: [String: UInt32] = [:]
  public var agent = Agent()
  public var unit = Unit()
  public var home: HomeFacts
  public var space: Space?
  public var hasReserve = false
  /// How many files a process may have open, by the agent if it runs.
  public var openFiles: Int?
  public var now: Timestamp
  /// When the last line of the log was written.
  public var last: Timestamp
  /// Whether the clock is kept right; nil if the kernel does not say.
  public var isClockKept: Bool?
  /// The instances that were looked at.
  public var instances = 0
  public var exposed: [Exposure] = []

  /// How apps are kept apart if root serves them.
  public struct Apps: Sendable {
    /// The uids that apps get.
    public var users: ClosedRange<UInt32> = UserNumbers.usual
    /// Whether each run can have a view of its own of the home.
    public var haveViews = true

    public init() {}
  }

  public struct Agent: Sendable {
    public var pid: Int32?
    /// Why no agent runs or answers.
    public var cause: Cause?
    /// Whether an app should run.
    public var isNeeded = false

    public init() {}
  }

  public struct Unit: Sendable {
    public var name = ""
    /// Whether systemd runs for this user.
    public var isSystemdThere = false
    public var isInstalled = false
    public var isEnabled = false
    /// Whether the user's systemd runs without a login; nil for root.
    public var lingers: Bool?
    /// `systemctl`, or `systemctl --user`.
    public var command = "systemctl"

    public init() {}
  }

  public struct HomeFacts: Sendable {
    public var path: String
    /// The name of its owner; nil if the home is not there yet.
    public var owner: String?
    public var isOwn = true
    public var mode: UInt32 = 0o700
    /// Homes of this host that are not used.
    public var others: [String] = []

    public init(path: String) { self.path = path }
  }

  /// A socket on which an instance accepts connections of other hosts.
  public struct Exposure: Hashable, Sendable {
    public var app: String
    public var instance: InstanceName
    public var address: String
    public var port: UInt16
    /// Whether it is the run's own `PORT`.
    public var isOwnPort: Bool
    /// The file and line that read `PORT`: `config/runtime.exs:12`; nil if the build did not find it.
    public var place: String?

    public init(
      app: String, instance: InstanceName, address: String, port: UInt16, isOwnPort: Bool,
      place: String?
    ) {
      (self.app, self.instance, self.address) = (app, instance, address)
      (self.port, self.isOwnPort, self.place) = (port, isOwnPort, place)
    }
  }

  public init(isRoot: Bool, user: String, home: HomeFacts, now: Timestamp, last: Timestamp) {
    (self.isRoot, self.user, self.home) = (isRoot, user, home)
    (self.now, self.last) = (now, last)
  }
}
