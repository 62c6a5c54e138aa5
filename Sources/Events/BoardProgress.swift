import HomeLayout

// What an app is on its way to, in words.
extension Board.App {
  /// How far its deployment is: `deploying v32`, `v32 serves and is observed for 7 s more; v31 stands by`; nil if there is
  /// none.
  public func progressOfDeployment(at now: Timestamp) -> String? {
    guard let deployment else { return nil }
    let release = deployment.release
    let old = deployment.former.map { "\($0.release)" }
    if deployment.isReverting {
      return "\(release) is reverted; \(old ?? "no release") serves again"
    }
    guard let switched = deployment.switched else {
      let isInPhase = liveRuns.contains {
        $0.instance.process == ProcessType.release && $0.release == release
      }
      return "deploying \(release)" + (isInPhase ? ": release phase" : replaced(by: deployment))
    }
    if deployment.isObserved == true { return "\(release) serves; the old runs are stopped" }
    let rest = max(0, (currentRelease?.rollout?.observe ?? 0) - now.elapsed(since: switched))
    return "\(release) serves and is observed for \((rest + 999) / 1000) s more"
      + (deployment.batch == nil ? old.map { "; \($0) stands by" } ?? "" : "")
  }

  /// `: 2 of 5 instances replaced, 1 at a time`
  private func replaced(by deployment: Board.Deployment) -> String {
    guard let batch = deployment.batch else { return "" }
    let old = Set(liveRuns.filter { $0.release != deployment.release }.map(\.instance))
    let wanted = Self.instances(of: deployment.formation)
    let ready = Set(
      liveRuns.filter { $0.release == deployment.release && $0.state == .ready }.map(\.instance))
    let count = ready.subtracting(old).intersection(wanted).count
    return ": \(count) of \(wanted.count) instances replaced, \(batch) at a time"
  }

  /// How many of the ready instances' nodes are connected with each other, and how many there are; nil for less than two.
  public var cluster: (connected: Int, nodes: Int)? {
    let peers = liveRuns.filter { $0.state == .ready }.compactMap(\.peers)
    guard peers.count > 1 else { return nil }
    return (min(peers.count, 1 + max(0, peers.max() ?? 0)), peers.count)
  }

  /// What an instance that boots waits for, by the last answer of its check: `web.1: GET /health: 503`.
  public var waiting: String? {
    let run = liveRuns.last { $0.answer != nil && ($0.state == .starting || $0.state == .booting) }
    return run.flatMap { run in run.answer.map { "\(run.instance) of \(run.release): \($0)" } }
  }
}
