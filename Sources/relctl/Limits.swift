import CommandLine
import Deployment
import Events
import HomeLayout
import Instance
import Observation
import Operations
import PlainText
import Posix

extension Command {
  static let limits = Command(
    CommandSyntax(
      "limits", "APP [memory=SIZE] [cpu=COUNT] [pids=COUNT]", count: 1...4,
      "show or change what each instance of an app may use",
      details: """
        Example: relctl limits greeter memory=512M cpu=1.5 pids=500

        They hold for each instance with all its processes, and for the release phase; not for the app
        as a whole. memory is in K, M, G or T; cpu in processors; pids counts processes and threads.
        memory=none, or memory= alone, takes a limit away. Instances that run get a change at once. One
        that uses more memory than its limit is killed as a whole and started again. Limits are not part
        of a release: a rollback does not change them.

        Without a change it shows the limits, what is in force for each instance now, and why if this
        host does not enforce them.
        """, options: [.detach, .json])
  ) { call throws(Cause) in
    let name = try call.target().app
    // Report an unknown app before a malformed word.
    let app = try call.app(name)
    let words = call.arguments.positional.dropFirst()
    if words.isEmpty { return try call.showLimits(of: app) }
    let change: ChangeLimits
    do throws(Refusal) { change = try ChangeLimits(app: name, words: words) } catch {
      throw suggesting(error)
    }
    if !call.wantsJSON {
      for line in change.consequences(on: app).changes { call.context.print("       \(line)") }
    }
    let outcome = try call.request(change)
    try call.warnOfGap(in: change.changes.filter { $0.value != 0 }.map(\.key))
    return outcome
  }

  private static func suggesting(_ refusal: Refusal) -> Cause {
    var cause = refusal.cause
    if case .noLimit(let word) = refusal {
      let names = Limits.Name.allCases.map(\.rawValue)
      let near =
        Spelling.nearest(to: word, among: names).first
        ?? names.first { !word.isEmpty && $0.hasPrefix(word) }
      if let near { cause.sentence += "; did you mean '\(near)'?" }
    }
    return cause
  }
}

extension CommandCall {
  /// What this host enforces, as the home's agent has arranged it.
  fileprivate func groups() throws(Cause) -> RunGroups {
    let home = try home()
    return RunGroups.seen(in: home, agent: AgentControl(home: home).process()?.pid)
  }

  /// Says so if the host does not enforce one of these limits.
  func warnOfGap(in names: some Sequence<Limits.Name>) throws(Cause) {
    let groups = try groups()
    if let gap = groups.gap, !groups.enforced.isSuperset(of: names) { warn(gap) }
  }

  fileprivate func showLimits(of app: Board.App) throws(Cause) -> Outcome {
    let (groups, home) = (try groups(), try home())
    let instances = app.liveRuns.sorted { ($0.instance, $0.id) < ($1.instance, $1.id) }.map {
      instance($0, of: app, groups, home)
    }
    let report = LimitsReport(
      app, enforced: groups.enforced, instances: instances, cause: groups.gap)
    if wantsJSON { return self.report(json: report) }
    let limits = report.limits.map { limit in
      [
        limit.limit.rawValue, limit.value.map(limit.limit.text) ?? "none",
        limit.enforced ? "enforced" : "not enforced here",
      ]
    }
    context.print(
      Command.trimmed(Table.render([["LIMIT", "EACH INSTANCE", "THIS HOST"]] + limits)))
    if !instances.isEmpty {
      let head = ["INSTANCE", "RUN", "MEMORY", "CPU", "PIDS"]
      context.print(Command.trimmed(Table.render([head] + instances.map(row))))
    }
    if let gap = groups.gap { warn(gap) }
    if !groups.enforced.isEmpty, instances.contains(where: { $0.limits == nil }) {
      context.print(
        "an instance without a control group was started before this host had groups;\n"
          + "to start it again: relctl restart \(app.name)")
    }
    return .success
  }

  private func instance(
    _ run: Board.Run, of app: Board.App, _ groups: RunGroups, _ home: Home
  ) -> LimitsReport.Instance {
    let folder = home.app(app.name).run(run.instance.description, run.id)
    guard let path = groups.path(of: run.instance, run: run.id, app: app.name),
      let process = (try? RunObservation(folder))?.status?.processIdentity, process.isAlive,
      Files.name(of: GroupTree.here(of: process.pid).group) == Files.name(of: path),
      let reading = GroupReading(path)
    else { return LimitsReport.Instance(run) }
    return LimitsReport.Instance(
      run, limits: reading.limits, memory: reading.memory, pids: reading.pids)
  }

  /// `web.1  42  78 MB of 512 MB  1.5  23 of 500`
  private func row(_ report: LimitsReport.Instance) -> [String] {
    guard let limits = report.limits else {
      return ["\(report.instance)", "\(report.run)", "–", "–", "– (no control group)"]
    }
    func part(_ used: String?, _ limit: String?) -> String {
      [used ?? "–", limit].compactMap { $0 }.joined(separator: " of ")
    }
    return [
      "\(report.instance)", "\(report.run)",
      part(report.memory.map(ByteCount.text), limits.memory.map(ByteCount.text)),
      limits.cpu.map(Limits.Name.cpu.text) ?? "–",
      part(report.pids.map { String($0) }, limits.pids.map { String($0) }),
    ]
  }

  /// Runs a program beside the instances, held to the app's limits if this user can do that.
  func limited(
    _ run: RunSpecification, _ body: (RunSpecification) throws(Cause) -> Outcome
  ) throws(Cause) -> Outcome {
    var groups = try groups()
    // Without an agent, they may still be as the last one has made them.
    groups.dropUnhanded()
    guard User.isRoot, let path = groups.path(ofEvaluationBy: Program.processID, app: run.app)
    else { return try body(run) }
    var run = run
    let limits = try app(run.app).limits ?? Limits()
    do throws(PosixError) { try groups.make(path, limits) } catch {
      throw Cause(error)
    }
    defer { groups.remove(path) }
    run.clientGroup = path
    return try body(run)
  }
}
