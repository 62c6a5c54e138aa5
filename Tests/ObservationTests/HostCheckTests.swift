import Events
import HomeLayout
import Instance
import Posix
import TestSupport
import Testing

@testable import Observation

/// Facts of a host in, findings out.
struct HostCheckTests {
  /// A host on which nothing is missing.
  private static let whole: HostFacts = {
    var facts = HostFacts(
      isRoot: true, user: "root", home: HostFacts.HomeFacts(path: "/var/lib/reltui"),
      now: Timestamp(milliseconds: 1_800_000_000_000),
      last: Timestamp(milliseconds: 1_799_999_999_000))
    for need in HostCheck.needs { facts.programs[need.program] = "/usr/bin/" + need.program }
    facts.installer = "apt-get install"
    facts.home.owner = "root"
    facts.groups = "/sys/fs/cgroup/system.slice/reltui-agent.service"
    facts.folders = ["/run": 0o755, "/var/tmp": 0o1777]
    facts.agent.pid = 812
    facts.unit.name = "reltui-agent.service"
    (facts.unit.isSystemdThere, facts.unit.isInstalled, facts.unit.isEnabled) = (true, true, true)
    (facts.space, facts.hasReserve) = (Space(bytes: 12 << 30, files: nil), true)
    (facts.openFiles, facts.isClockKept, facts.instances) = (65536, true, 2)
    return facts
  }()

  struct Case: Sendable, CustomTestStringConvertible {
    var check: String
    var state: HostFinding.State
    var sentence: String
    var remedy: String?
    var change: @Sendable (inout HostFacts) -> Void

    init(
      _ check: String, _ state: HostFinding.State, _ sentence: String, _ remedy: String? = nil,
      _ change: @escaping @Sendable (inout HostFacts) -> Void
    ) {
      (self.check, self.state, self.sentence) = (check, state, sentence)
      (self.remedy, self.change) = (remedy, change)
    }

    var testDescription: String { "\(check): \(sentence)" }
  }

  private static let absent = Cause(.agentAbsent, "no agent serves '/h'")

  private static let exposure = HostFacts.Exposure(
    app: "shop", instance: InstanceName("web", 1), address: "0.0.0.0", port: 20_001,
    isOwnPort: true, place: "config/runtime.exs:12")

  static let cases: [Case] = [
    Case(
      "apps", .warn, "there are uids for 422 apps only: 60578 to 60999",
      "Give the container the uids to 2147483646: see /proc/self/uid_map"
    ) { $0.apps.users = UserNumbers.few },
    Case(
      "apps", .warn,
      "each runs as a uid of its own, but only the modes of folders hide the home from it",
      "In a container, start it with: --cap-add SYS_ADMIN"
    ) { $0.apps.haveViews = false },
    Case(
      "tar", .missing, "not installed: no archive can be deployed or exported",
      "apt-get install tar"
    ) { $0.programs["tar"] = nil },
    Case(
      "git", .warn, "not installed: releases have no commit", "sudo dnf install git"
    ) { ($0.programs["git"], $0.isRoot, $0.installer) = (nil, false, "dnf install") },
    Case(
      "epmd", .warn, "not installed: only releases with their own ERTS can be deployed",
      "Install the package that has epmd."
    ) { ($0.programs["epmd"], $0.installer) = (nil, nil) },
    Case(
      "namespaces", .missing,
      "no namespace can be made, so builds see the whole host: unshare failed: not permitted",
      "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    ) {
      $0.namespaceFault = "unshare failed: not permitted"
      ($0.isRoot, $0.settings) = (
        false,
        [
          "kernel.unprivileged_userns_clone": 1, "kernel.apparmor_restrict_unprivileged_userns": 1,
        ]
      )
    },
    Case(
      "namespaces", .missing, "no namespace can be made, so builds see the whole host: no",
      "In a container, start it with: --privileged"
    ) { $0.namespaceFault = "no" },
    Case(
      "cgroup", .warn, "limits are not enforced on this host: it has no groups", "Boot another"
    ) {
      $0.limitsGap = Cause(
        .limitsNotEnforced, "limits are not enforced on this host: it has no groups",
        remedy: "Boot another")
    },
    Case(
      "/run", .missing, "other users, as which apps and builds run, cannot use it",
      "chmod 755 /run"
    ) { $0.folders["/run"] = 0o700 },
    Case(
      "/var/tmp", .missing, "other users, as which apps and builds run, cannot use it",
      "chmod 1777 /var/tmp"
    ) { $0.folders["/var/tmp"] = 0o777 },
    Case("/var/tmp", .missing, "there is no such folder", "install -d -m 1777 /var/tmp") {
      $0.folders["/var/tmp"] = nil
    },
    Case("home", .ok, "/var/lib/reltui is made when it is needed") { $0.home.owner = nil },
    Case(
      "home", .missing, "/var/lib/reltui belongs to ana: its agent must run as that user",
      "sudo -u ana relctl doctor --home /var/lib/reltui"
    ) { ($0.home.owner, $0.home.isOwn) = ("ana", false) },
    Case("home", .missing, "every user can write /var/lib/reltui", "chmod o-w /var/lib/reltui") {
      $0.home.mode = 0o777
    },
    Case(
      "other home", .warn, "this host also has the home /var/lib/reltui, which is not used",
      "To see its apps: sudo relctl ps --home /var/lib/reltui"
    ) { ($0.home.others, $0.isRoot) = (["/var/lib/reltui"], false) },
    Case("agent", .ok, "none runs, and no app needs one") { $0.agent.cause = absent },
    Case("agent", .missing, "no agent serves '/h'", "Start one with: relctl agent start") {
      ($0.agent.cause, $0.agent.isNeeded) = (absent, true)
    },
    Case("agent", .missing, "it was stopped", "systemctl start it") {
      $0.agent.cause = Cause(.agentStopped, "it was stopped", remedy: "systemctl start it")
    },
    Case(
      "unit", .warn, "not installed: apps do not come back after a reboot", "relctl agent install"
    ) { $0.unit.isInstalled = false },
    Case(
      "unit", .warn,
      "reltui-agent.service is not enabled: apps do not come back after a reboot",
      "systemctl --user enable reltui-agent.service"
    ) { ($0.unit.isEnabled, $0.unit.command) = (false, "systemctl --user") },
    Case(
      "unit", .warn,
      "systemd does not run here: apps do not come back after a reboot by themselves",
      "Let the host's own init run at boot: relctl agent"
    ) { $0.unit.isSystemdThere = false },
    Case(
      "linger", .warn, "the agent of ana and its apps end at the logout",
      "loginctl enable-linger ana"
    ) { ($0.user, $0.unit.lingers) = ("ana", false) },
    Case("disk", .missing, "the disk is full: 1 MB free", "relctl slug gc") {
      $0.space = Space(bytes: 1 << 20, files: nil)
    },
    Case(
      "disk", .missing, "the disk is nearly full: 10 MB free, and the reserve is in use",
      "relctl slug gc"
    ) { ($0.space, $0.hasReserve) = (Space(bytes: 10 << 20, files: nil), false) },
    Case("disk", .warn, "the disk is nearly full: 10 MB free", "relctl slug gc") {
      $0.space = Space(bytes: 10 << 20, files: nil)
    },
    Case(
      "open files", .warn, "the agent, and so an app, may have 1024 files and sockets open",
      "relctl agent install"
    ) { $0.openFiles = 1024 },
    Case(
      "open files", .warn, "a program may have 1024 files and sockets open",
      "ulimit -n 65536; relctl agent stop; relctl agent start"
    ) { ($0.openFiles, $0.unit.isSystemdThere, $0.agent.pid) = (1024, false, nil) },
    Case(
      "clock", .warn, "the clock is 2h behind the last line of the log",
      "timedatectl set-ntp true"
    ) { $0.last = $0.now + 7_200_000 },
    Case(
      "clock", .warn, "the clock says 1970-01-01T00:00:09.000Z", "timedatectl set-ntp true"
    ) { ($0.now, $0.last) = (Timestamp(milliseconds: 9000), Timestamp(milliseconds: 0)) },
    Case("clock", .warn, "nothing keeps the clock right", "sudo timedatectl set-ntp true") {
      ($0.isClockKept, $0.isRoot) = (false, false)
    },
    Case(
      "listening", .warn,
      "shop/web.1 accepts connections from other hosts: it listens on 0.0.0.0, PORT (20001)",
      "config/runtime.exs:12 reads PORT: bind it to {127, 0, 0, 1}, as in: http: [ip: {127, 0, 0, 1}, port: port]"
    ) { $0.exposed = [exposure] },
    Case(
      "listening", .warn,
      "shop/web.1 accepts connections from other hosts: it listens on ::, port 9000",
      "Bind what listens there to {127, 0, 0, 1}."
    ) {
      var other = exposure
      (other.address, other.port, other.isOwnPort) = ("::", 9000, false)
      $0.exposed = [other]
    },
  ]

  @Test(arguments: cases) func findings(_ test: Case) {
    var facts = Self.whole
    test.change(&facts)
    let findings = HostCheck.findings(facts)
    let expected = HostFinding(test.check, test.state, test.sentence, remedy: test.remedy)
    #expect(findings.contains(expected), "\(findings.filter { $0.check == test.check })")
    // Without systemd there is no unit either.
    let others = facts.unit.isSystemdThere ? [test.check] : [test.check, "unit"]
    #expect(findings.filter { !others.contains($0.check) }.allSatisfy { $0.state == .ok })
  }

  @Test func nothingIsMissingOnAWholeHost() {
    let findings = HostCheck.findings(Self.whole)
    #expect(findings.allSatisfy { $0.state == .ok && $0.remedy == nil })
    #expect(Set(findings.map(\.check)).count == findings.count && findings.count > 15)
  }

  /// What is read of this host, with an instance that listens on all addresses.
  @Test func readsThisHost() throws {
    let folder = try TemporaryFolder("host")
    let home = Home(root: folder.path + "/home")
    try Files.makeFolder(home.root)
    let reader = HostReader(home: home, environment: ["PATH": "/usr/bin:/bin"])
    let facts = reader.facts(Board(), agent: nil) { _, _ in nil }
    #expect(facts.programs["tar"]?.hasSuffix("/tar") == true)
    #expect(facts.home.path == home.root && facts.home.isOwn && facts.home.mode == 0o700)
    #expect((facts.openFiles ?? 0) > 0 && (facts.space?.bytes ?? 0) > 0)
    #expect(facts.folders["/var/tmp"] != nil)
    let groups = RunGroups.seen(in: home, agent: nil)
    #expect(facts.groups == groups.folder && facts.limitsGap == groups.gap)
    #expect(!facts.agent.isNeeded && facts.exposed.isEmpty && facts.instances == 0)
  }
}
