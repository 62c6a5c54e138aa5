import Events
import HomeLayout
import Operations
import ReleaseModel
import SlugStore

/// The steps that a deployment will have, in words.
public enum DeploymentOutline {
  /// - Returns: one line for each step, in their order.
  public static func lines(for operation: Deploy, on board: Board, home: Home) throws(Cause)
    -> [String]
  {
    let store = StoredSlugs(home: home)
    let manifest = try store.manifest(operation.slug)
    let app = board.apps[operation.app] ?? Board.App(name: operation.app, changed: board.time)
    let formation = manifest.formation(for: app)
    let batch = BatchSize.of(app, manifest.appJSON.rollout, formation: formation, home: home)
    return lines(for: app, manifest, formation, batch)
  }

  static func lines(
    for app: Board.App, _ manifest: Manifest, _ formation: [String: Int], _ batch: BatchSize?,
    runsPhase: Bool = true
  ) -> [String] {
    let (rollout, next) = (manifest.appJSON.rollout, app.nextRelease)
    let old = app.current.flatMap { app.liveRuns.isEmpty ? nil : $0 }
    let wanted = Board.App.instances(of: formation)
    func isBeside(_ instance: InstanceName) -> Bool {
      app.mayRunBesideCurrent(instance.process, replacing: rollout)
    }
    let (beside, inTurn) = (wanted.filter(isBeside), wanted.filter { !isBeside($0) })
    var lines: [String] = []
    if runsPhase, let command = manifest.command(of: ProcessType.release) {
      lines.append("release phase, an hour at most: \(command)")
    }
    if !beside.isEmpty {
      let names = beside.map(\.description).joined(separator: ", ")
      let how = batch.map {
        ", \($0.count == 1 ? "one" : "\($0.count)") at a time in place of the old ones: \($0.reason)"
      }
      lines.append("start \(names)" + (how ?? old.map { " beside those of \($0)" } ?? ""))
    }
    lines += Set(wanted.map(\.process)).sorted().map {
      "wait until \($0) is ready: " + gate($0, manifest)
    }
    if !inTurn.isEmpty {
      let names = inTurn.map(\.description).joined(separator: ", ")
      lines.append("start \(names)" + (old == nil ? "" : ", each when the old one has ended"))
    }
    lines.append("\(next) becomes current")
    if rollout.observe > 0 {
      let stands = old.flatMap { rollout.hasStandby && batch == nil ? "; \($0) stands by" : nil }
      lines.append("observe \(next) for \(rollout.observe / 1000) s\(stands ?? "")")
    }
    if let old { lines.append("stop what is left of \(old)") }
    return lines
  }

  private static func gate(_ process: String, _ manifest: Manifest) -> String {
    let check = manifest.appJSON?.readiness(of: process)
    let command = manifest.appJSON?.gateCommand(of: process)?.command?.words.last
    let first = check?.path.map { path in
      let range = check?.status?.range ?? 200...299
      return "GET \(path) answers \(range.lowerBound) to \(range.upperBound)"
    }
    let node = "its node has started all applications"
    return (first ?? node) + (command.map { ", then \($0) ends with exit code 0" } ?? "")
  }
}

extension DeploymentOutline {
  /// The same for a rollback, which may also give up a deployment.
  /// - Throws: the reason why the agent would reject the request.
  public static func lines(for rollback: Rollback, on board: Board, home: Home) throws(Cause)
    -> [String]
  {
    do throws(Refusal) { try rollback.check(on: board) } catch { throw error.cause }
    guard let app = board.apps[rollback.app], let slug = rollback.needs(on: board).slug else {
      return []
    }
    if let current = app.current, rollback.chosen(on: board).release == current {
      let deployment = app.deployment.map { ["stop the runs of \($0.release)"] }
      return (deployment ?? []) + ["\(current) goes on serving"]
    }
    let manifest = try StoredSlugs(home: home).manifest(slug)
    _ = try Admission(home: home, board: board, operations: .standard).check(rollback) {
      _ throws(Cause) in manifest
    }
    let formation = manifest.formation(for: app)
    let batch = BatchSize.of(app, manifest.appJSON.rollout, formation: formation, home: home)
    return lines(for: app, manifest, formation, batch, runsPhase: rollback.runsPhase)
  }
}
