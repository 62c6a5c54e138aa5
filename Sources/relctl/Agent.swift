import CommandLine
import Deployment
import Events
import HomeLayout
import Instance
import Observation
import Posix

extension Command {
  static let agent = Command(
    CommandSyntax(
      "agent", "", "be the agent of this home, in the foreground",
      details:
        "It carries out requests and keeps the instances running. One serves a home; other commands start one when they need it."
    )
  ) { call throws(Cause) in
    let home = try call.home()
    let launcher = Launcher(
      shim: try call.context.sibling("relshim"), agent: try call.context.sibling("relctl"),
      home: home)
    let agent = try Agent(home: home, launcher: launcher, environment: call.context.environment) {
      cause in
      for line in Outcome(cause, program: "relctl agent").report { call.context.note(line) }
    }
    try agent.run()
    return .success
  }

  static let agentStart = Command(
    CommandSyntax(
      "agent start", "", "start an agent in the background if none runs",
      details:
        "Where its systemd unit is installed, systemd starts it, unless it was stopped there.")
  ) { call throws(Cause) in
    try AgentControl(home: call.home()).ensure(
      program: try call.context.sibling("relctl"), environment: call.context.environment)
    return .success
  }

  static let agentStop = Command(
    CommandSyntax("agent stop", "", "ask the agent to leave; the instances go on")
  ) { call throws(Cause) in
    if try AgentControl(home: call.home()).stop() { return .success }
    call.context.note("relctl: no agent runs")
    return .success
  }

  static let agentStatus = Command(
    CommandSyntax(
      "agent status", "", "say whether an agent runs and answers",
      details: "The exit code is 0 if it does, 69 if none runs, 75 if it does not answer.",
      options: [.json])
  ) { call throws(Cause) in
    let status = try call.agentStatus(try call.home(), last: try call.board().time)
    if call.wantsJSON { call.print(json: status) } else { call.context.print(words(status)) }
    return status.cause.map { Outcome($0, program: "relctl") } ?? .success
  }

  private static func words(_ status: AgentStatus) -> String {
    let now = Timestamp(milliseconds: Clock.now())
    func age(_ time: Timestamp) -> String { Age.text(now.elapsed(since: time)) }
    var rows: [[String]] = []
    if status.running {
      rows.append(["agent", "runs" + (status.pid.map { ", pid \($0)" } ?? "")])
      if let since = status.since { rows.append(["since", "\(since) (\(age(since)))"]) }
      if let beat = status.heartbeat { rows.append(["heartbeat", "\(beat) (\(age(beat)) ago)"]) }
      if let starter = status.startedBy {
        rows.append(["started by", starter == .systemd ? AgentUnit.name : "a command"])
      }
    } else {
      rows.append(["agent", "does not run"])
    }
    if let unit = status.unit {
      let words = [unit.state, unit.enabled.map { $0 ? "enabled" : "not enabled" }]
      let state = words.compactMap { $0 }.joined(separator: ", ")
      rows.append(["unit", unit.path + (state.isEmpty ? "" : " (\(state))")])
    }
    rows.append(["home", status.home])
    return trimmed(Table.render(rows))
  }

  static let agentInstall = Command(
    CommandSyntax(
      "agent install", "", "let systemd start the agent, now and at each boot",
      details: """
        For root the unit is /etc/systemd/system/reltui-agent.service, for another user
        ~/.config/systemd/user/reltui-agent.service. From then on commands start the unit when they need
        an agent, and refuse if it was stopped with systemctl.
        """,
      options: [Option("--print", "print the unit, and do nothing")])
  ) { call throws(Cause) in
    let home = try call.home()
    let (unit, program) = (call.unit(home), try call.context.sibling("relctl"))
    if call.arguments.has("--print") {
      call.context.print(trimmed(unit.text(program: program)))
      return .success
    }
    let control = AgentControl(home: home)
    try unit.install(program: program) { () throws(Cause) in _ = try control.stop() }
    try control.waitUntilServing()
    call.context.print("installed \(unit.path); the agent runs")
    if unit.lingers == false {
      call.context.print(
        "It ends at your logout, and its apps with it. To let it run without a login:\n"
          + "  loginctl enable-linger \(User.name(of: User.id) ?? String(User.id))")
    }
    return .success
  }

  static let agentUninstall = Command(
    CommandSyntax(
      "agent uninstall", "", "stop the agent's systemd unit and remove it; the instances go on")
  ) { call throws(Cause) in
    let unit = call.unit(try call.home())
    if try unit.uninstall() {
      call.context.print("removed \(unit.path)")
    } else {
      call.context.note("relctl: no unit is installed")
    }
    return .success
  }
}

extension CommandCall {
  func unit(_ home: Home) -> AgentUnit {
    AgentUnit(home: home, environment: context.environment)
  }

  /// - Parameter last: when the last line of the log was written.
  func agentStatus(_ home: Home, last: Timestamp) throws(Cause) -> AgentStatus {
    try AgentControl(home: home).status(
      unit(home), last: last, now: Timestamp(milliseconds: Clock.now()), host: User.host)
  }
}
