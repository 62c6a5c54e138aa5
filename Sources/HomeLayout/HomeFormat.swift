/// The format of the files in a home: where each lies, and the small text files as values.
///
/// Several programs read these formats and `relshim` writes three of them, so this module imports no
/// other module and no Foundation. It does no I/O.
///
/// Every file of reltui holds a `format` number; a reader refuses a greater number than it knows.
public enum HomeFormat {
  /// The format number that this version writes.
  public static let current = 1
}

/// The folder with the log, the slugs and the runs of one host. It has mode 0700.
public struct Home: Hashable, Sendable {
  /// Absolute path, without a trailing slash.
  public let root: String

  public init(root: String) {
    var root = root
    while root.count > 1, root.hasSuffix("/") { root.removeLast() }
    self.root = root
  }

  /// `$RELTUI_HOME`, else `/var/lib/reltui` for root, else `$XDG_STATE_HOME/reltui`
  /// (`~/.local/state/reltui`, as the XDG Base Directory Specification defines it).
  /// - Returns: nil if the environment names none of them.
  public static func standard(environment: [String: String], isRoot: Bool) -> Home? {
    func value(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let root = value("RELTUI_HOME") { return Home(root: root) }
    if isRoot { return Home(root: systemRoot) }
    // The specification says that a relative path must be ignored.
    if let state = value("XDG_STATE_HOME"), state.hasPrefix("/") {
      return Home(root: state + "/reltui")
    }
    return value("HOME").map { Home(root: $0 + "/.local/state/reltui") }
  }

  /// The home of a host whose agent runs as root.
  public static let systemRoot = "/var/lib/reltui"

  public var events: String { root + "/events" }
  public var objects: String { root + "/objects" }
  public var slugs: String { root + "/slugs" }
  public var apps: String { root + "/apps" }
  public var agentLock: String { root + "/agent.lock" }
  /// The output of an agent that another program started.
  public var agentLog: String { root + "/agent.log" }
  /// The key of the config digests, 32 random bytes.
  public var secret: String { root + "/secret" }
  /// A file that grows by a byte whenever a set of config vars is saved.
  public var configMark: String { root + "/config.mark" }
  /// The values of all config vars, for masking.
  public var configMask: String { root + "/config.mask" }
  public var epmd: String { root + "/epmd" }
  /// The uid of epmd, if root serves the home.
  public var epmdUser: String { root + "/epmd.uid" }
  public var ballast: String { root + "/ballast" }
  /// Size of the reserve in bytes.
  public static let ballastSize = 8 << 20
  /// Exists once the user was told that the host has another home.
  public var told: String { root + "/told" }
  /// Copies of sources while they are built.
  public var builds: String { root + "/builds" }
  public var buildCache: String { root + "/cache" }

  /// Programs that the operator has installed for reltui to run.
  public var hooks: String { root + "/hooks" }
  /// `NAME/provision` and `NAME/destroy` of add-ons for previews.
  public var addOnHooks: String { hooks + "/addons" }

  public var router: RouterFolder { RouterFolder(path: root + "/router") }

  public func app(_ app: String) -> AppFolder { AppFolder(path: apps + "/" + app) }
}

public struct AppFolder: Hashable, Sendable {
  public let path: String

  /// The cookie that the nodes of the app share, 0600.
  public var cookie: String { path + "/.erlang.cookie" }
  /// The uid of the app, if root serves the home.
  public var user: String { path + "/uid" }
  public var configs: String { path + "/config" }
  public func config(_ digest: String) -> String { configs + "/" + digest }
  /// The config vars that the app's builds get.
  public var buildConfig: String { path + "/build-config" }
  /// The add-ons of a preview, with the variables that they gave.
  public var addOns: String { path + "/addons" }
  public var instances: String { path + "/instances" }
  public func run(_ instance: String, _ run: UInt64) -> RunFolder {
    RunFolder(path: instances + "/" + instance + "/" + String(run))
  }
}

/// `apps/<app>/instances/<instance>/<run>/`: the files of one run.
public struct RunFolder: Hashable, Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// Locked by the run's `relshim` while it is alive.
  public var lock: String { path + "/lock" }
  public var status: String { path + "/status" }
  /// Reserved space for the last status on a full disk.
  public var spareStatus: String { path + "/status.spare" }
  public var log: String { path + "/log" }
  /// The file that `relshim` appends to. Full files become `log/<n>`; a greater number is newer.
  public var currentLog: String { log + "/current" }
  public var temporary: String { path + "/tmp" }
  /// HOME of the run, a folder of its own, apart from reltui's files.
  public var home: String { path + "/home" }
  public var cookie: String { home + "/.erlang.cookie" }
  public var crashDump: String { home + "/erl_crash.dump" }
  /// Output of the command that decides whether the run is ready.
  public var gateLog: String { path + "/gate.log" }
  /// Why the run is not ready yet: the last answer of its check.
  public var gate: String { path + "/gate" }
  /// How many other nodes of the app the run's node is connected with.
  public var peers: String { path + "/peers" }
  /// What had to be killed at the end of the grace period, as text.
  public var killed: String { path + "/killed" }
  /// How the run booted; see `BootAccount`.
  public var boot: String { path + "/boot" }
  /// The arguments file of the run's VM; that of other VMs of a relx release lacks what only a serving one needs.
  public var bootArguments: String { path + "/boot.args" }
  public var plainArguments: String { path + "/vm.args" }
  /// Files that only the run's VM reads.
  public var argumentFiles: [String] { [bootArguments, plainArguments] }
  /// Errors of `relshim` itself.
  public var shimLog: String { path + "/shim.log" }
}
