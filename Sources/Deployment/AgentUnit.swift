import Events
import HomeLayout
import Instance
import Posix

/// The systemd unit that keeps a home's agent running: its place, its text, and its control by
/// systemctl(1). Root has a unit of the host, another user one of the user's own systemd.
public struct AgentUnit: Sendable {
  public static let name = "reltui-agent.service"

  private let home: Home
  private let isRoot: Bool
  private let environment: [String: String]
  /// The unit's file.
  public let path: String
  /// A folder that is there while systemd runs for this user. sd_booted(3)
  private let sign: String
  /// Whether the user's systemd, and so the agent, runs without a login; nil if it does not matter.
  private let lingerMark: String?

  /// - Parameter root: the folder in which the host's files are; empty for the real ones.
  public init(
    home: Home, environment: [String: String], isRoot: Bool = User.isRoot, root: String = ""
  ) {
    (self.home, self.isRoot) = (home, isRoot)
    func folder(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    var environment = environment
    environment["PATH"] = folder("PATH") ?? Invocation.standardPath
    if isRoot {
      path = "\(root)/etc/systemd/system/\(Self.name)"
      sign = root + "/run/systemd/system"
      lingerMark = nil
    } else {
      let user = User.name(of: User.id) ?? String(User.id)
      let own = folder("HOME") ?? User.home(of: User.id) ?? "/"
      path = "\(folder("XDG_CONFIG_HOME") ?? own + "/.config")/systemd/user/\(Self.name)"
      let runtime = folder("XDG_RUNTIME_DIR") ?? "\(root)/run/user/\(User.id)"
      // systemctl finds the user's systemd by it; relshim and cron do not pass it on.
      environment["XDG_RUNTIME_DIR"] = runtime
      sign = runtime + "/systemd"
      lingerMark = "\(root)/var/lib/systemd/linger/\(user)"
    }
    self.environment = environment
  }

  /// Whether systemd runs for this user.
  public var isSystemdThere: Bool { Files.isFolder(sign) }

  /// Whether the unit is installed, for this home.
  public var isInstalled: Bool { lines?.contains(homeLine) ?? false }

  /// Whether the agent must be started by systemd.
  public var isInCharge: Bool { isInstalled && isSystemdThere }

  /// Whether the user's systemd starts at boot; nil for root, whose unit does not depend on it.
  public var lingers: Bool? { lingerMark.map(Files.exists) }

  private var lines: [Substring]? {
    (try? Files.read(path, limit: 1 << 16)).map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n")
    }
  }

  private var homeLine: Substring { "Environment=\(Self.quoted("RELTUI_HOME=" + home.root))" }
}

// MARK: - Its text

extension AgentUnit {
  /// The unit's text. systemd.service(5), systemd.exec(5), systemd.kill(5)
  ///
  /// - `KillMode=process`: a stop ends the agent, and not the apps.
  /// - `Delegate=yes`: the agent may make control groups for the runs. `DelegateSubgroup=`: the agent has one beside
  ///   them, since systemd could not start it again in a group that hands controllers down. systemd 254
  /// - `OOMPolicy=continue`: an app that the kernel kills for its memory does not end the agent.
  /// - Neither the limits on capabilities nor those on system calls take away mounts, namespaces,
  ///   control groups or changing the user. A user's unit gets no such limits, since they would
  ///   imply `NoNewPrivileges`, with which no app could run a setuid program.
  /// - Parameter program: the path of `relctl`.
  public func text(program: String) -> String {
    let limits = """
      CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_TIME CAP_SYS_BOOT CAP_MAC_ADMIN CAP_MAC_OVERRIDE
      LockPersonality=yes
      RestrictRealtime=yes
      SystemCallArchitectures=native

      """
    return """
      [Unit]
      Description=reltui agent for \(Self.escaped(home.root))
      After=network.target
      RequiresMountsFor=\(Self.quoted(home.root))
      StartLimitIntervalSec=0

      [Service]
      Type=exec
      Environment=LANG=C.UTF-8
      \(homeLine)
      ExecStart=\(Self.quoted(program)) agent
      Restart=on-failure
      RestartSec=1
      KillMode=process
      Delegate=yes
      DelegateSubgroup=\(RunGroups.agentGroup)
      OOMPolicy=continue
      LimitNOFILE=65536
      TasksMax=infinity
      \(isRoot ? limits : "")
      [Install]
      WantedBy=\(isRoot ? "multi-user.target" : "default.target")

      """
  }

  /// A word of a unit file; `%` begins a specifier there. systemd.syntax(7)
  private static func quoted(_ text: String) -> String {
    let quotes = escaped(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return "\"\(quotes)\""
  }

  private static func escaped(_ text: String) -> String { text.replacing("%", with: "%%") }
}

// MARK: - Its control

extension AgentUnit {
  /// Writes the unit, and makes systemd start the agent now and at each boot.
  /// - Parameter leave: asks an agent that a command has started to stop.
  public func install(program: String, leave: () throws(Cause) -> Void) throws(Cause) {
    for text in [home.root, program] where text.utf8.contains(where: { $0 < 32 || $0 == 127 }) {
      throw Cause(.systemd, "a unit cannot hold the path '\(text)'")
    }
    if !isSystemdThere {
      throw Cause(
        .systemd, isRoot ? "systemd does not run here" : "no systemd runs for this user",
        remedy: isRoot
          ? "Let the host's own init run at boot: relctl agent"
          : "Log in as this user, or as root: loginctl enable-linger \(userName)")
    }
    try refuseForeign()
    do throws(PosixError) {
      try Files.makeFolder(Files.parent(of: path), mode: 0o755)
      try Files.replace(path, with: Array(text(program: program).utf8), mode: 0o644)
    } catch { throw Cause(error, as: .systemd) }
    try systemctl("daemon-reload")
    if try state().isOver { try leave() }
    try systemctl("enable", Self.name)
    try systemctl("restart", Self.name)
  }

  /// Stops the agent and removes the unit. The instances go on.
  /// - Returns: false if there was no unit.
  public func uninstall() throws(Cause) -> Bool {
    try refuseForeign()
    guard isInstalled else { return false }
    if isSystemdThere { try systemctl("disable", "--now", Self.name) }
    do throws(PosixError) { try Files.remove(path) } catch { throw Cause(error, as: .systemd) }
    if isSystemdThere { try systemctl("daemon-reload") }
    return true
  }

  private func refuseForeign() throws(Cause) {
    if lines != nil, !isInstalled {
      throw Cause(
        .systemd, "'\(path)' is the unit of another home",
        remedy: "Take that one back first, as its home: relctl agent uninstall --home DIR")
    }
  }

  /// Lets systemd start the agent.
  /// - Throws: `RT-AGENT-STOPPED` if it was stopped or disabled by an operator.
  public func start() throws(Cause) {
    try requireNotStopped()
    try systemctl("start", Self.name)
  }

  /// - Throws: `RT-AGENT-STOPPED` if the unit was stopped or disabled by an operator.
  public func requireNotStopped() throws(Cause) {
    guard isInCharge, let (words, verb) = try state().refusal else { return }
    throw Cause(
      .agentStopped, "the agent's unit \(Self.name) \(words)",
      remedy: "Start it: \(command) \(verb) \(Self.name)")
  }

  private var userName: String { User.name(of: User.id) ?? String(User.id) }

  /// `systemctl`, or `systemctl --user`.
  public var command: String { systemctlWords.joined(separator: " ") }

  private var systemctlWords: [String] { ["systemctl"] + (isRoot ? [] : ["--user"]) }

  /// What systemd says of the unit.
  public func state() throws(Cause) -> State {
    State(
      try systemctl("show", Self.name, "--property=" + State.properties.joined(separator: ",")))
  }

  @discardableResult
  private func systemctl(_ arguments: String...) throws(Cause) -> String {
    let words = systemctlWords + arguments
    let result: Invocation.Result
    do throws(PosixError) {
      result = try Invocation(words, in: "/", environment: environment).run(limit: 100_000)
    } catch { throw Cause(error, as: .systemd) }
    guard result.isSuccess else {
      let said = result.text.split(separator: "\n").first ?? "it says nothing"
      throw Cause(
        .systemd, "'\(words.joined(separator: " "))' failed: \(said)",
        remedy: "See: \(command) status \(Self.name)")
    }
    return result.text
  }
}

extension AgentUnit {
  /// The state of a unit as `systemctl show` prints it. org.freedesktop.systemd1(5)
  public struct State: Equatable, Sendable {
    /// `loaded`, `masked`, `not-found` …
    public var load = ""
    /// `active`, `activating`, `inactive`, `failed` …
    public var active = ""
    /// `enabled`, `disabled` …
    public var file = ""
    /// 0 if its program does not run.
    public var pid: Int32 = 0
    /// Whether it has become inactive since the boot of the host.
    public var hasEnded = false

    static let properties = [
      "LoadState", "ActiveState", "UnitFileState", "MainPID", "InactiveEnterTimestampMonotonic",
    ]

    /// Reads lines `NAME=value` in any order.
    init(_ text: String) {
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { continue }
        switch parts[0] {
        case "LoadState": load = String(parts[1])
        case "ActiveState": active = String(parts[1])
        case "UnitFileState": file = String(parts[1])
        case "MainPID": pid = Int32(parts[1]) ?? 0
        case "InactiveEnterTimestampMonotonic": hasEnded = (UInt64(parts[1]) ?? 0) > 0
        default: break
        }
      }
    }

    public var isEnabled: Bool { file == "enabled" }

    /// Whether its program does not run, nor is about to.
    var isOver: Bool { active == "inactive" || active == "failed" }

    /// Why commands must not start it, in words, and the verb with which an operator can.
    ///
    /// The agent ends with exit code 0 only if it is asked to, and systemd starts it again otherwise.
    /// So a unit that has become inactive, and has not failed, was stopped. systemd forgets that of a
    /// unit that is not enabled, which is why such a unit is never started by a command.
    var refusal: (words: String, verb: String)? {
      if load == "masked" { return ("is masked", "unmask") }
      if active != "inactive" { return nil }
      if file == "disabled" { return ("is disabled", "enable --now") }
      return hasEnded ? ("was stopped", "start") : nil
    }
  }
}
