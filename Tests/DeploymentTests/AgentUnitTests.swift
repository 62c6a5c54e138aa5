import Events
import HomeLayout
import Posix
import TestSupport
import Testing

@testable import Deployment

/// The unit on a made-up host: its files are in a temporary folder, and its systemctl is a script
/// that writes down how it was called.
struct AgentUnitTests {
  /// A host whose systemd says what a test wants.
  private struct Host {
    let folder: TemporaryFolder
    let home: Home
    let isRoot: Bool

    init(isRoot: Bool = true, systemd: Bool = true, home: String = "/home") throws {
      folder = try TemporaryFolder("unit")
      self.home = Home(root: folder.path + home)
      self.isRoot = isRoot
      try folder.write(
        "bin/systemctl",
        """
        #!/bin/sh
        echo "$*" >> \(folder.path)/calls
        case "$*" in *"$(cat \(folder.path)/broken 2>/dev/null || echo none)"*) echo 'Failed: no'; exit 1;; esac
        case "$*" in *show*) cat \(folder.path)/state;; esac
        """, mode: 0o755)
      try folder.write("state", "ActiveState=inactive\nUnitFileState=enabled\n")
      if systemd {
        try Files.makeFolder(folder.path + (isRoot ? "/run/systemd/system" : "/runtime/systemd"))
      }
    }

    var environment: [String: String] {
      [
        "PATH": folder.path + "/bin:/usr/bin:/bin", "HOME": folder.path + "/ana",
        "XDG_RUNTIME_DIR": folder.path + "/runtime",
      ]
    }

    var unit: AgentUnit {
      AgentUnit(home: home, environment: environment, isRoot: isRoot, root: folder.path)
    }

    func write(_ program: String = "/bin/relctl") throws {
      try Files.makeFolder(Files.parent(of: unit.path))
      try Files.replace(unit.path, with: Array(unit.text(program: program).utf8))
    }

    var calls: [String] {
      ((try? Files.read(folder.path + "/calls")).map { String(decoding: $0, as: UTF8.self) } ?? "")
        .split(separator: "\n").map(String.init)
    }

    func cause(_ body: () throws(Cause) -> Void) -> Cause? {
      do throws(Cause) { try body() } catch { return error }
      return nil
    }
  }

  @Test(arguments: [true, false]) func installsAndTakesBack(isRoot: Bool) throws {
    let host = try Host(isRoot: isRoot)
    let (unit, user) = (host.unit, isRoot ? "" : "--user ")
    #expect(
      unit.path
        == host.folder.path
        + (isRoot ? "/etc/systemd/system" : "/ana/.config/systemd/user") + "/reltui-agent.service")
    var left = 0
    try unit.install(program: "/usr/local/bin/relctl") { () throws(Cause) in left += 1 }
    #expect(unit.isInstalled && unit.isInCharge && left == 1)
    #expect(try Files.info(unit.path)?.mode == 0o644)
    let show = "\(user)show reltui-agent.service --property=LoadState,ActiveState,UnitFileState,"
    #expect(
      host.calls == [
        "\(user)daemon-reload", show + "MainPID,InactiveEnterTimestampMonotonic",
        "\(user)enable reltui-agent.service", "\(user)restart reltui-agent.service",
      ])
    #expect(try unit.uninstall())
    #expect(
      host.calls.suffix(2) == ["\(user)disable --now reltui-agent.service", "\(user)daemon-reload"])
    #expect(!Files.exists(unit.path))
    #expect(try !unit.uninstall())
  }

  /// An agent that systemd runs is restarted, not asked to leave.
  @Test func installedAgainItIsRestarted() throws {
    let host = try Host()
    try host.folder.write("state", "ActiveState=active\nMainPID=7\n")
    try host.unit.install(program: "/bin/relctl") { () throws(Cause) in
      Issue.record("the unit's own agent was asked to leave")
    }
    #expect(host.calls.last == "restart reltui-agent.service")
  }

  @Test func unitOfAnotherHomeIsKept() throws {
    let (host, other) = (try Host(), try Host(home: "/other"))
    try Files.makeFolder(Files.parent(of: host.unit.path))
    try Files.replace(host.unit.path, with: Array(other.unit.text(program: "/bin/relctl").utf8))
    #expect(!host.unit.isInstalled && !host.unit.isInCharge)
    let foreign = Cause(
      .systemd, "'\(host.unit.path)' is the unit of another home",
      remedy: "Take that one back first, as its home: relctl agent uninstall --home DIR")
    #expect(throws: foreign) { try host.unit.install(program: "/bin/relctl") {} }
    #expect(throws: foreign) { try host.unit.uninstall() }
    #expect(host.calls.isEmpty && Files.exists(host.unit.path))
  }

  @Test func hostWithoutSystemdIsRefused() throws {
    let host = try Host(systemd: false)
    let cause = host.cause { () throws(Cause) in try host.unit.install(program: "/bin/relctl") {} }
    #expect(cause?.id == "RT-SYSTEMD" && cause?.exitCode == 69)
    #expect(!Files.exists(host.unit.path) && host.calls.isEmpty)
    // A unit that lies there, as in a copied tree, hinders no command.
    try host.write()
    #expect(host.unit.isInstalled && !host.unit.isInCharge)
    #expect(host.cause { () throws(Cause) in try host.unit.requireNotStopped() } == nil)
    #expect(try host.unit.uninstall())
  }

  struct Case: Sendable {
    var state: String
    /// The call that is made; nil if the start is refused.
    var call: String?
    var refusal: String?
    var remedy: String?
  }

  @Test(arguments: [
    Case(state: "ActiveState=inactive\nUnitFileState=enabled", call: "start"),
    Case(state: "ActiveState=failed\nInactiveEnterTimestampMonotonic=5", call: "start"),
    Case(state: "ActiveState=activating\nInactiveEnterTimestampMonotonic=5", call: "start"),
    Case(
      state:
        "ActiveState=inactive\nUnitFileState=enabled\nInactiveEnterTimestampMonotonic=81234\nX=\n=\n",
      refusal: "was stopped", remedy: "start"),
    Case(
      state: "ActiveState=inactive\nUnitFileState=disabled\nInactiveEnterTimestampMonotonic=0",
      refusal: "is disabled", remedy: "enable --now"),
    Case(state: "LoadState=masked\nActiveState=inactive", refusal: "is masked", remedy: "unmask"),
  ]) func stoppedUnitIsNotStarted(_ test: Case) throws {
    let host = try Host()
    try host.write()
    try host.folder.write("state", test.state)
    let cause = host.cause { () throws(Cause) in try host.unit.start() }
    #expect(cause?.id == test.refusal.map { _ in "RT-AGENT-STOPPED" })
    #expect(
      cause?.sentence == test.refusal.map { "the agent's unit reltui-agent.service \($0)" })
    #expect(
      cause?.remedy == test.remedy.map { "Start it: systemctl \($0) reltui-agent.service" })
    #expect(
      host.calls.last?.hasPrefix(test.call ?? "show") == true
        && host.calls.count == (test.call == nil ? 1 : 2))
    #expect(cause == nil || cause?.exitCode == 69)
  }

  @Test func failedCallIsReported() throws {
    let host = try Host(isRoot: false)
    try host.folder.write("broken", "enable")
    let cause = host.cause { () throws(Cause) in try host.unit.install(program: "/bin/relctl") {} }
    #expect(
      cause?.sentence == "'systemctl --user enable reltui-agent.service' failed: Failed: no"
        && cause?.remedy == "See: systemctl --user status reltui-agent.service")
  }

  /// `%` begins a specifier in a unit, and `"` ends a word.
  @Test(arguments: [
    ("/var/lib/reltui", "/usr/local/bin/relctl"), (#"/srv/50% "a\b"/home"#, "/opt/rel tui/relctl"),
  ]) func pathsAreQuoted(home: String, program: String) throws {
    let unit = AgentUnit(home: Home(root: home), environment: [:], isRoot: true)
    let text = unit.text(program: program)
    let quoted = home.replacing("%", with: "%%").replacing("\\", with: "\\\\")
      .replacing("\"", with: "\\\"")
    #expect(text.contains("\nEnvironment=\"RELTUI_HOME=\(quoted)\"\n"))
    #expect(text.contains("\nExecStart=\"\(program)\" agent\n"))
    for line in [
      "KillMode=process", "Delegate=yes", "DelegateSubgroup=agent", "WantedBy=multi-user.target",
    ] {
      #expect(text.split(separator: "\n").contains(Substring(line)))
    }
    // Each of these would take something away that builds and apps need.
    for word in [
      "NoNewPrivileges", "RestrictNamespaces", "RestrictSUIDSGID", "ProtectControlGroups",
      "ProtectKernelTunables", "PrivateUsers", "SystemCallFilter", "CAP_SYS_ADMIN", "CAP_SETUID",
    ] {
      #expect(!text.contains(word))
    }
  }

  /// A user's unit gets nothing that implies NoNewPrivileges there.
  @Test func userUnitHasNoLimits() {
    let unit = AgentUnit(home: Home(root: "/h"), environment: ["HOME": "/ana"], isRoot: false)
    let text = unit.text(program: "/bin/relctl")
    for word in ["Capability", "LockPersonality", "RestrictRealtime", "SystemCall"] {
      #expect(!text.contains(word))
    }
    #expect(text.contains("WantedBy=default.target") && text.contains("KillMode=process"))
  }

  @Test func linesCannotBeAdded() throws {
    let host = try Host(home: "/home\nExecStartPre=/bin/false")
    let cause = host.cause { () throws(Cause) in try host.unit.install(program: "/bin/relctl") {} }
    #expect(cause?.id == "RT-SYSTEMD" && !Files.exists(host.unit.path) && host.calls.isEmpty)
  }

  /// systemd itself reads the unit. Nothing is started: systemd-analyze(1) only looks.
  @Test(arguments: [true, false]) func systemdAcceptsTheUnit(isRoot: Bool) throws {
    let folder = try TemporaryFolder("verify")
    let unit = AgentUnit(
      home: Home(root: "/srv/50% home"), environment: ["HOME": "/ana"], isRoot: isRoot)
    try folder.write("reltui-agent.service", unit.text(program: "/bin/true"))
    let result = try Invocation(
      ["systemd-analyze", "verify", isRoot ? "--system" : "--user", "--man=no"]
        + [folder.path + "/reltui-agent.service"],
      environment: [
        "PATH": Invocation.standardPath, "HOME": folder.path, "XDG_RUNTIME_DIR": folder.path,
      ]
    ).run(limit: 60_000)
    // One that is older than 254 says that it ignores this.
    let said = result.text.split(separator: "\n").filter { !$0.contains("'DelegateSubgroup'") }
    #expect(!said.contains { $0.contains("reltui-agent") }, "\(result.text)")
  }
}
