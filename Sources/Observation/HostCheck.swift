import DiskReserve
import Events
import HomeLayout
import Instance
import Posix

/// One thing that holds on a host, or that is missing there.
public struct HostFinding: Hashable, Encodable, Sendable {
  public enum State: String, Codable, Sendable {
    case ok
    /// Everything works, but less well or less safely.
    case warn
    /// Something cannot work.
    case missing
  }

  public var check: String
  public var state: State
  public var sentence: String
  /// The command, or the change, that mends it.
  public var remedy: String?

  public init(_ check: String, _ state: State, _ sentence: String, remedy: String? = nil) {
    (self.check, self.state, self.sentence, self.remedy) = (check, state, sentence, remedy)
  }
}

/// Judges the facts of a host: what holds, what is missing, and what mends it.
public struct HostCheck: Sendable {
  private let facts: HostFacts

  public static func findings(_ facts: HostFacts) -> [HostFinding] {
    let check = HostCheck(facts: facts)
    return check.programs + [check.namespaces, check.apps, check.controlGroups] + check.folders
      + check.home + [check.agent] + check.unit
      + [check.disk, check.openFiles, check.clock] + check.exposure
  }

  /// The command as this user must type it.
  private func asRoot(_ command: String) -> String { facts.isRoot ? command : "sudo " + command }
}

// MARK: - Programs

extension HostCheck {
  /// A program that reltui runs.
  struct Need: Sendable {
    var program: String
    /// The package that has it; the names are those of Debian, and mostly those of others.
    var package: String
    /// What does not work without it.
    var purpose: String
    var isVital = false
  }

  static let needs: [Need] = [
    Need(
      program: "tar", package: "tar", purpose: "no archive can be deployed or exported",
      isVital: true),
    Need(
      program: "unshare", package: "util-linux", purpose: "builds see the whole host",
      isVital: true),
    Need(
      program: "setpriv", package: "util-linux",
      purpose: "root cannot run a program as an app's user", isVital: true),
    Need(program: "git", package: "git", purpose: "releases have no commit"),
    Need(program: "zstd", package: "zstd", purpose: "archives packed with zstd cannot be read"),
    Need(
      program: "epmd", package: "erlang-base",
      purpose: "only releases with their own ERTS can be deployed"),
    Need(
      program: "haproxy", package: "haproxy",
      purpose: "there is no router: each run is reached on its own port"),
    Need(program: "curl", package: "curl", purpose: "builds cannot fetch an Erlang or Elixir"),
    Need(program: "openssl", package: "openssl", purpose: "nodes with TLS cannot be watched"),
  ]

  private var programs: [HostFinding] {
    Self.needs.map { need in
      if let path = facts.programs[need.program] { return HostFinding(need.program, .ok, path) }
      return HostFinding(
        need.program, need.isVital ? .missing : .warn, "not installed: \(need.purpose)",
        remedy: facts.installer.map { asRoot("\($0) \(need.package)") }
          ?? "Install the package that has \(need.program).")
    }
  }
}

// MARK: - The kernel and its files

extension HostCheck {
  private var namespaces: HostFinding {
    guard let fault = facts.namespaceFault else {
      return HostFinding("namespaces", .ok, "builds run apart from the host's other processes")
    }
    let sentence = "no namespace can be made, so builds see the whole host: \(fault)"
    let wrong: [(name: String, value: Int, right: Int)] = [
      ("kernel.unprivileged_userns_clone", 0, 1),
      ("kernel.apparmor_restrict_unprivileged_userns", 1, 0),
      ("user.max_user_namespaces", 0, 10_000),
    ]
    let found = wrong.first { facts.settings[$0.name] == $0.value }
    return HostFinding(
      "namespaces", .missing, sentence,
      remedy: found.map { asRoot("sysctl -w \($0.name)=\($0.right)") }
        ?? "In a container, start it with: --privileged")
  }

  private var apps: HostFinding {
    let check = "apps"
    if !facts.isRoot {
      return HostFinding(
        check, .ok, "they run as \(facts.user), as your other programs do; apps of root get uids")
    }
    let users = facts.apps.users
    if users != UserNumbers.usual {
      return HostFinding(
        check, .warn,
        "there are uids for \(users.count) apps only: \(users.lowerBound) to \(users.upperBound)",
        remedy:
          "Give the container the uids to \(UserNumbers.usual.upperBound): see /proc/self/uid_map")
    }
    if !facts.apps.haveViews {
      return HostFinding(
        check, .warn,
        "each runs as a uid of its own, but only the modes of folders hide the home from it",
        remedy: "In a container, start it with: --cap-add SYS_ADMIN")
    }
    return HostFinding(
      check, .ok, "each runs as a uid of its own and sees nothing else of the home")
  }

  private var controlGroups: HostFinding {
    if let gap = facts.limitsGap {
      return HostFinding("cgroup", .warn, gap.sentence, remedy: gap.remedy)
    }
    return HostFinding(
      "cgroup", .ok, "the limits of apps are enforced" + (facts.groups.map { " in \($0)" } ?? ""))
  }

  /// Apps and builds run as users of their own.
  private var folders: [HostFinding] {
    [("/run", UInt32(0o001), "755"), ("/var/tmp", 0o1003, "1777")].map { path, need, right in
      guard let mode = facts.folders[path] else {
        return HostFinding(
          path, .missing, "there is no such folder",
          remedy: asRoot("install -d -m \(right) \(path)"))
      }
      if mode & need == need { return HostFinding(path, .ok, "other users can use it") }
      return HostFinding(
        path, .missing, "other users, as which apps and builds run, cannot use it",
        remedy: asRoot("chmod \(right) \(path)"))
    }
  }

  private var openFiles: HostFinding {
    guard let count = facts.openFiles else {
      return HostFinding("open files", .warn, "the limit is not known")
    }
    let owner = facts.agent.pid == nil ? "a program" : "the agent, and so an app,"
    let sentence = "\(owner) may have \(count) files and sockets open"
    if count >= Self.fewestFiles { return HostFinding("open files", .ok, sentence) }
    return HostFinding(
      "open files", .warn, sentence,
      remedy: facts.unit.isSystemdThere
        ? "relctl agent install" : "ulimit -n 65536; relctl agent stop; relctl agent start")
  }

  private static let fewestFiles = 4096

  private var clock: HostFinding {
    let ahead = facts.last - facts.now
    if ahead > 60_000 {
      return HostFinding(
        "clock", .warn, "the clock is \(Age.text(ahead)) behind the last line of the log",
        remedy: asRoot("timedatectl set-ntp true"))
    }
    // Before this program was written.
    if facts.now < Timestamp(milliseconds: 1_735_689_600_000) {
      return HostFinding(
        "clock", .warn, "the clock says \(facts.now)", remedy: asRoot("timedatectl set-ntp true"))
    }
    if facts.isClockKept == false {
      return HostFinding(
        "clock", .warn, "nothing keeps the clock right", remedy: asRoot("timedatectl set-ntp true"))
    }
    return HostFinding("clock", .ok, "\(facts.now)")
  }

  private var disk: HostFinding {
    guard let space = facts.space else {
      return HostFinding("disk", .ok, "the home does not exist yet")
    }
    let free = "\(ByteCount.text(space.bytes)) free"
    switch ReservedSpace.Level(space) {
    case .low:
      return HostFinding("disk", .missing, "the disk is full: \(free)", remedy: "relctl slug gc")
    case .tight:
      return HostFinding(
        "disk", facts.hasReserve ? .warn : .missing,
        "the disk is nearly full: \(free)"
          + (facts.hasReserve ? "" : ", and the reserve is in use"),
        remedy: "relctl slug gc")
    case .plenty:
      return HostFinding("disk", .ok, free + (facts.hasReserve ? ", and the reserve" : ""))
    }
  }
}

// MARK: - The home and its agent

extension HostCheck {
  private var home: [HostFinding] {
    let home = facts.home
    var findings = [ownership]
    for other in home.others {
      findings.append(
        HostFinding(
          "other home", .warn, "this host also has the home \(other), which is not used",
          remedy: "To see its apps: " + asRoot("relctl ps --home \(other)")))
    }
    return findings
  }

  private var ownership: HostFinding {
    let home = facts.home
    guard let owner = home.owner else {
      return HostFinding("home", .ok, "\(home.path) is made when it is needed")
    }
    if !home.isOwn {
      return HostFinding(
        "home", .missing, "\(home.path) belongs to \(owner): its agent must run as that user",
        remedy: "sudo -u \(owner) relctl doctor --home \(home.path)")
    }
    if home.mode & 0o1002 == 0o002 {
      return HostFinding(
        "home", .missing, "every user can write \(home.path)", remedy: "chmod o-w \(home.path)")
    }
    return HostFinding("home", .ok, "\(home.path) belongs to \(owner)")
  }

  private var agent: HostFinding {
    let agent = facts.agent
    guard let cause = agent.cause else {
      return HostFinding("agent", .ok, "runs" + (agent.pid.map { ", pid \($0)" } ?? ""))
    }
    if cause.id == ProblemID.agentAbsent.rawValue, !agent.isNeeded {
      return HostFinding("agent", .ok, "none runs, and no app needs one")
    }
    return HostFinding("agent", .missing, cause.sentence, remedy: cause.remedy)
  }

  private var unit: [HostFinding] {
    let (unit, after) = (facts.unit, "apps do not come back after a reboot")
    if !unit.isSystemdThere {
      return [
        HostFinding(
          "unit", .warn, "systemd does not run here: \(after) by themselves",
          remedy: "Let the host's own init run at boot: relctl agent")
      ]
    }
    if !unit.isInstalled {
      return [HostFinding("unit", .warn, "not installed: \(after)", remedy: "relctl agent install")]
    }
    var findings = [HostFinding("unit", .ok, "\(unit.name) starts the agent at boot")]
    if !unit.isEnabled {
      findings = [
        HostFinding(
          "unit", .warn, "\(unit.name) is not enabled: \(after)",
          remedy: "\(unit.command) enable \(unit.name)")
      ]
    }
    if let lingers = unit.lingers {
      findings.append(
        lingers
          ? HostFinding("linger", .ok, "the agent of \(facts.user) runs without a login")
          : HostFinding(
            "linger", .warn, "the agent of \(facts.user) and its apps end at the logout",
            remedy: "loginctl enable-linger \(facts.user)"))
    }
    return findings
  }

  private var exposure: [HostFinding] {
    if facts.exposed.isEmpty {
      return facts.instances == 0
        ? [] : [HostFinding("listening", .ok, "instances listen on loopback only")]
    }
    return facts.exposed.map { exposure in
      let who = "\(exposure.app)/\(exposure.instance)"
      let what = exposure.isOwnPort ? "PORT (\(exposure.port))" : "port \(exposure.port)"
      return HostFinding(
        "listening", .warn,
        "\(who) accepts connections from other hosts: it listens on \(exposure.address), \(what)",
        remedy: remedy(for: exposure))
    }
  }

  private func remedy(for exposure: HostFacts.Exposure) -> String {
    let binding = "bind it to {127, 0, 0, 1}, as in: http: [ip: {127, 0, 0, 1}, port: port]"
    if !exposure.isOwnPort { return "Bind what listens there to {127, 0, 0, 1}." }
    return exposure.place.map { "\($0) reads PORT: \(binding)" }
      ?? "Where the app reads PORT, \(binding)"
  }
}
