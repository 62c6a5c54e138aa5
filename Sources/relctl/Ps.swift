import CommandLine
import Deployment
import Events
import HomeLayout
import Observation
import Posix

extension Command {
  static let ps = Command(
    CommandSyntax(
      "ps", "[APP]", count: 0...1, "show the apps, their instances and what is wrong",
      details: """
        With --at as they were: at 07:05 or 07:05:30 today or last night, '2026-11-21 07:05', 2h ago,
        an RFC 3339 time, or behind the event of a number.
        """,
      options: [.json, Option("--at", value: "TIME", "as it was then")])
  ) { call throws(Cause) in
    let moment = try call.arguments["--at"].map { text throws(Cause) in
      try HistoryPoint(typed: text)
    }
    let (board, isDamaged) = try LiveBoard.board(of: call.home(), program: "relctl", at: moment)
    if isDamaged {
      call.context.note(
        "relctl: the event log is damaged; see: relctl events verify [RT-LOG-DAMAGED]")
    }
    let clock = Timestamp(milliseconds: Clock.now())
    if moment == nil,
      let cause = AgentControl(home: try call.home()).silence(since: clock, now: clock)
    {
      call.warn(cause)
    }
    var apps = board.apps.values.sorted { $0.name < $1.name }
    if !call.arguments.positional.isEmpty {
      let name = try call.target().app
      if moment != nil, board.apps[name] == nil {
        throw Cause(
          .appUnknown, "there was no app '\(name)' then", remedy: "It came later, or never.")
      }
      apps = [try CommandCall.app(name, on: board)]
    }
    let reports = apps.flatMap { StateReport.all(of: $0, host: User.host) }
    if call.wantsJSON { return call.report(json: reports) }
    if moment != nil {
      call.context.print("as it was at \(board.time), behind event \(board.sequence)")
    }
    if apps.isEmpty {
      call.context.print(
        moment == nil
          ? "no apps yet; deploy one with: relctl deploy APP DIR" : "there were no apps yet")
      return .success
    }
    let now = board.now(at: moment, clock: clock)
    let head = ["APP", "INSTANCE", "RELEASE", "STATE", "PID", "PORT", "AGE", "NODE"]
    let rows = apps.flatMap { app in
      StateReport.all(of: app, host: User.host).map { row($0, of: app, at: now) }
    }
    call.context.print(trimmed(Table.render([head] + rows)))
    // Those that are given up need no agent.
    if moment == nil,
      reports.contains(where: { $0.instance.map { $0.abandoned != true } ?? false }),
      !LiveBoard.hasAgent(try call.home())
    {
      call.context.print("no agent watches over them; start one with: relctl agent start")
    }
    if let full = LiveBoard.shortage(of: try call.home()) {
      call.context.print("\(full.sentence) [\(full.id)]")
    }
    for app in apps { for line in notes(on: app, at: now) { call.context.print(call.shown(line)) } }
    for certificate in board.certificates ?? [] where certificate.endsSoon(now) {
      call.context.print(certificate.warning(now))
    }
    return .success
  }

  private static func row(_ report: StateReport, of app: Board.App, at now: Timestamp) -> [String] {
    switch report {
    case .instance(let report):
      return [
        report.app, "\(report.instance)", "\(report.release)",
        report.stateWords, report.pid.map { "\($0)" } ?? "–",
        report.port.map { "\($0)" } ?? "–", Age.text(now.elapsed(since: report.since)),
        report.node ?? "–",
      ]
    case .app(let report):
      return [
        report.app, "–", report.release.map { "\($0)" } ?? "–", state(of: app), "–", "–",
        Age.text(now.elapsed(since: report.since)), "–",
      ]
    }
  }

  /// The state of an app that has no instance to show.
  private static func state(of app: Board.App) -> String {
    if app.deployment != nil { return app.summary.state.rawValue }
    if app.current == nil { return "never deployed" }
    if app.asleep != nil { return "asleep" }
    return app.isStopped ? "stopped" : "no instances"
  }

  /// Lines below the table, for facts that it does not show.
  private static func notes(on app: Board.App, at now: Timestamp) -> [String] {
    var lines = app.address.map { ["\(app.name): \($0)"] } ?? []
    if let message = app.maintenance {
      lines.append("\(app.name) is under maintenance, and answers: \(message)")
    }
    if app.isStopped {
      lines.append("\(app.name) is stopped; start it with: relctl restart \(app.name)")
    }
    if app.asleep != nil { lines.append("\(app.name) sleeps; the next request wakes it") }
    if let progress = app.progressOfDeployment(at: now) { lines.append("\(app.name): \(progress)") }
    if app.current == nil, app.deployment == nil {
      lines.append("\(app.name) has no release that runs")
    }
    if let cluster = app.cluster {
      lines.append("\(app.name): cluster \(cluster.connected)/\(cluster.nodes)")
    }
    if let waiting = app.waiting { lines.append("\(app.name): \(waiting)") }
    for report in InstanceReport.all(of: app, host: "") {
      guard let next = report.nextTry else { continue }
      let seconds = (max(0, next - now) + 999) / 1000
      let crashes = app.crashes[report.instance].map { "crashed ×\($0.count), " } ?? ""
      lines.append(
        "\(app.name)/\(report.instance): \(crashes)next try "
          + (seconds == 0 ? "now" : "in \(seconds) s"))
    }
    if let cause = app.worstCause(at: now) {
      let failed = app.failure.map { $0.cause == cause ? "\($0.release) failed: " : "" } ?? ""
      lines.append("\(app.name): \(failed)\(cause.sentence) [\(cause.id)]")
    }
    return lines
  }
}
