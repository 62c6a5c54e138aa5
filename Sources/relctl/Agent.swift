import CommandLine
import Deployment
import Events
import Instance

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
    CommandSyntax("agent start", "", "start an agent in the background if none runs")
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
}
