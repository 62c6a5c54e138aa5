import CommandLine
import Deployment
import Events
import HomeLayout
import Observation
import ReleaseModel
import SlugStore

extension Command {
  static let doctor = Command(
    CommandSyntax(
      "doctor", "", "check what this host offers, and say what mends each gap",
      details: """
        Each line says ok, warn (it works, but less well or less safely) or missing (something cannot
        work). Below it is the command that mends it. The exit code is 1 if something is missing.
        """, options: [.json])
  ) { call throws(Cause) in
    let findings = HostCheck.findings(try call.hostFacts())
    if call.wantsJSON {
      call.print(json: findings)
    } else {
      let rows = findings.map { [$0.state.rawValue, $0.check, call.shown($0.sentence)] }
      for (finding, line) in zip(findings, Table.lines(rows)) {
        call.context.print(line)
        if finding.state != .ok, let remedy = finding.remedy {
          call.context.print("         \(call.shown(remedy))")
        }
      }
    }
    let isWhole = findings.allSatisfy { $0.state != .missing }
    return isWhole ? .success : Outcome(exitCode: ExitCode.failed)
  }
}

extension CommandCall {
  fileprivate func hostFacts() throws(Cause) -> HostFacts {
    let home = try context.chosenHome(arguments["--home"])
    // A home that cannot be read is one of the findings.
    let board = (try? self.board()) ?? Board()
    let status = Result { () throws(Cause) in try agentStatus(home, last: board.time) }
    let known = try? status.get()
    let store = StoredSlugs(home: home)
    var facts = HostReader(home: home, environment: context.environment).facts(
      board, agent: known?.pid
    ) { app, run in
      guard let slug = app.release(run.release)?.slug, let manifest = try? store.manifest(slug)
      else { return nil }
      return manifest.variables?.first { $0.name == "PORT" }.map { "\($0.file):\($0.line)" }
    }
    let unit = unit(home)
    facts.agent.pid = known?.pid
    switch status {
    case .success(let status): facts.agent.cause = status.cause
    case .failure(let cause): facts.agent.cause = cause
    }
    facts.unit.name = AgentUnit.name
    facts.unit.isSystemdThere = unit.isSystemdThere
    facts.unit.isInstalled = unit.isInstalled
    facts.unit.isEnabled = known?.unit?.enabled ?? false
    (facts.unit.lingers, facts.unit.command) = (unit.lingers, unit.command)
    return facts
  }
}
