import Events
import HomeLayout
import Instance
import JSONText
import Posix
import TestSupport

/// What must hold when nothing is on its way: what the programs show is what the log, the processes and the ports say.
struct QuietCheck {
  let scene: TortureScene

  /// Milliseconds until everything that was begun must have ended.
  private static let patience: Int64 = 60_000
  private static let endedRunsKept = 5

  /// Waits until nothing is on its way, and looks.
  func run() {
    _ = try? scene.rack.run(["relctl", "agent", "start"])
    // What the test has killed again and again is started after a pause that grows.
    for app in scene.account().board.apps.values where app.isDown {
      scene.request(["restart", app.name])
    }
    guard eventually(Self.patience, { scene.account().board.isQuiet }) else {
      return scene.violations.note(.oneOutcome, "not quiet: \(scene.account().board.unrest)")
    }
    checkTruth()
    checkFolders()
  }

  /// Only what two looks in a row find is wrong: the processes may change between log and `/proc`.
  private func checkTruth() {
    var before: Set<String> = []
    for _ in 0..<8 {
      let account = scene.account()
      let found = Set(differences(account.board))
      // Something has happened meanwhile: that look says nothing.
      if scene.account().board.sequence != account.board.sequence { continue }
      for text in found.intersection(before) { scene.violations.note(.truth, text) }
      if found.isEmpty || !before.isEmpty { return }
      before = found
    }
  }

  private func differences(_ board: Board) -> [String] {
    let shown = reports(["relctl", "ps", "--json"])
    let apps = board.apps.values.sorted { $0.name < $1.name }
    let folded = apps.flatMap { InstanceReport.all(of: $0, host: User.host) }
    var found: [String] = []
    if shown != reports(["reltui", "--json"]) { found.append("relctl ps and reltui differ") }
    if shown != folded { found.append("ps says \(brief(shown)), the log \(brief(folded))") }
    for report in shown where report.state == .ready { found += differences(of: report) }
    return found + strangers(shown)
  }

  private func reports(_ command: [String]) -> [InstanceReport] {
    guard let answer = try? scene.rack.run(command) else { return [] }
    return (try? JSON.decode([InstanceReport].self, from: Array(answer.output.utf8))) ?? []
  }

  private func brief(_ reports: [InstanceReport]) -> String {
    reports.map { "\($0.app)/\($0.instance) \($0.run) \($0.state) \($0.pid ?? 0)" }
      .joined(separator: ", ")
  }

  /// An instance that is shown as ready has a process and answers on its port.
  private func differences(of report: InstanceReport) -> [String] {
    let what = "\(report.app)/\(report.instance) (run \(report.run)) is shown as ready, but"
    let environment = report.pid.map { ProcessTable.environment(of: $0) } ?? []
    if !environment.contains("RELTUI_RUN=\(report.run)") { return ["\(what) has no process"] }
    return Loopback.isListening(report.port ?? 0) ? [] : ["\(what) does not listen"]
  }

  /// Every process of a run belongs to a live `relshim`, and its run is shown.
  private func strangers(_ shown: [InstanceReport]) -> [String] {
    let all = scene.processes()
    return all.compactMap { process in
      let environment = ProcessTable.environment(of: process.pid)
      guard let word = environment.first(where: { $0.hasPrefix("RELTUI_RUN=") }),
        let run = UInt64(word.dropFirst("RELTUI_RUN=".count)), process.identity.isAlive
      else { return nil }
      let what = "process \(process.pid) (\(ProcessTable.name(of: process.pid))) of run \(run)"
      guard let report = shown.first(where: { $0.run == run && $0.state.isLive }) else {
        return "\(what) is in no list"
      }
      let folder = scene.home.app(report.app).run(report.instance.description, run)
      let isLocked = (try? Lock.isHeld(folder.lock)) == true
      return isLocked && hasShim(process, all) ? nil : "\(what) has no relshim"
    }
  }

  private func hasShim(_ process: ProcessTable.Stat, _ all: [ProcessTable.Stat]) -> Bool {
    var next: ProcessTable.Stat? = process
    while let process = next {
      if ProcessTable.name(of: process.pid) == "relshim" { return true }
      next = all.first { $0.pid == process.parent }
    }
    return false
  }

  /// Of the runs that ended the folders of the last few are kept; another process removes the others.
  private func checkFolders() {
    for app in scene.account().board.apps.values {
      let instances = scene.home.app(app.name).instances
      for instance in (try? Files.list(instances)) ?? [] {
        let live = Set(app.liveRuns.map { "\($0.id)" })
        func ended() -> [String] {
          ((try? Files.list("\(instances)/\(instance)")) ?? []).filter { !live.contains($0) }
        }
        if !eventually(3000, { ended().count <= Self.endedRunsKept }) {
          scene.violations.note(.nothingLeft, "\(app.name)/\(instance) keeps runs \(ended())")
        }
      }
    }
  }
}

extension Board {
  /// Whether nothing is on its way but pauses after crashes.
  var isQuiet: Bool { unrest.isEmpty }

  /// What is on its way.
  var unrest: [String] {
    requests.map { "\($0.type.rawValue) of \($0.app)" }
      + apps.values.flatMap { app in
        let busy = app.liveRuns.filter { $0.state != .ready }
        return busy.map { "\(app.name)/\($0.instance) is \($0.state)" }
          + (app.deployment.map { ["deployment of \(app.name) \($0.release)"] } ?? [])
          + app.missing.map { "\(app.name)/\($0) is missing" }
      }
  }
}

extension Board.App {
  /// Instances of the formation without a run, of an app that is to run.
  var missing: [InstanceName] {
    let live = Set(liveRuns.map(\.instance))
    return isStopped || current == nil
      ? [] : Self.instances(of: formation).filter { !live.contains($0) }
  }

  /// Whether it waits long, or for ever, to start again what crashed.
  fileprivate var isDown: Bool {
    missing.contains { crashes[$0].map { $0.count > 3 || $0.isAbandoned } ?? false }
  }
}
