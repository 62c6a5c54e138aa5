import Events
import HomeLayout
import Posix
import Router
import TestSupport

/// What must hold when nothing is on its way: what the programs show is what the log, the processes and the ports say.
struct QuietCheck {
  let scene: TortureScene

  /// Milliseconds until everything that was begun must have ended.
  private static let patience: Int64 = 60_000
  private static let endedRunsKept = 5

  /// Waits until nothing is on its way, and looks.
  func run() {
    let answer = try? scene.rack.run(["relctl", "agent", "start"])
    if answer?.exit != .code(0) || scene.agent == nil {
      return scene.violations.note(.oneOutcome, "no agent starts: \(answer?.errors ?? "")")
    }
    // What the test has killed again and again is started after a pause that grows.
    for app in scene.account().board.apps.values where app.isDown {
      scene.request(["restart", app.name])
    }
    guard eventually(Self.patience, { scene.account().board.isQuiet }) else {
      return scene.violations.note(.oneOutcome, "not quiet: \(scene.account().board.unrest)")
    }
    checkTruth()
    checkFolders()
    checkClosed()
  }

  /// Only what two looks in a row find is wrong: the processes may change between log and `/proc`.
  private func checkTruth() {
    var before: Set<String> = []
    for _ in 0..<8 {
      // The agent may only now notice what was killed, and start it again.
      _ = eventually(Self.patience) { scene.account().board.isQuiet }
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
    let shown = ShownState(scene)
    let apps = board.apps.values.sorted { $0.name < $1.name }
    let folded = apps.flatMap { InstanceReport.all(of: $0, host: User.host) }
    var found = shown.missing + shown.strangers
    if shown.reports != ShownState(scene, by: ["reltui", "--json"]).reports {
      found.append("relctl ps and reltui differ")
    }
    for app in apps where app.current != nil {
      let ready = app.liveRuns.filter { $0.instance.process == "web" && $0.state == .ready }
      let open = RouterConfig(told: scene.home.router)?.states(of: app.name) ?? [:]
      if !ready.isEmpty,
        Set(open.filter { $0.value == .open }.keys) != Set(ready.compactMap(\.port))
      {
        found.append(
          "the router sends requests of \(app.name) to \(open), not to those that are ready")
      }
    }
    // The address is the router's; the log does not have it.
    let known = shown.reports.map { report in
      var report = report
      report.address = nil
      return report
    }
    if known != folded {
      found.append(
        "ps says \(ShownState.brief(shown.reports)), the log \(ShownState.brief(folded))")
    }
    return found
  }

  /// Of a preview that was closed nothing is left.
  private func checkClosed() {
    let board = scene.account().board
    let map = (try? Files.readIfThere(scene.home.router.path + "/local.map")) ?? nil
    let routed = String(decoding: map ?? [], as: UTF8.self).split(separator: "\n")
      .compactMap { $0.split(separator: " ").last?.prefix { $0 != ":" } }.map(String.init)
    let folders = ((try? Files.list(scene.home.apps)) ?? [])
    for name in Set(routed + folders) where name.contains("-pr-") && board.apps[name] == nil {
      scene.violations.note(.nothingLeft, "\(name) is closed, and has a folder or a route")
    }
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
          + (app.preview?.isClosing == true ? ["\(app.name) is being closed"] : [])
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
