import Events
import HomeLayout
import Operations

// The way of a deployment: the release phase, the gate, the switch, the observation, and the way back.
extension AppReconciler {
  /// Milliseconds that a release phase may take.
  static let phaseLimit: Int64 = 3_600_000

  mutating func deploy(_ deployment: Board.Deployment) {
    let request = surroundings.requests.first { $0.id == deployment.request }
    if let cause = deployment.cause { return revert(deployment, request, cause) }
    if deployment.hasSwitched { return observe(deployment, request) }
    let new = app.runs.filter { $0.release == deployment.release }
    if let cause = reasonToFail(deployment, new, request) {
      keep(sparing: deployment.release)
      actions.append(.failDeployment(deployment.release, cause))
    } else {
      replace(with: deployment, request, new)
    }
  }

  private mutating func reasonToFail(
    _ deployment: Board.Deployment, _ new: [Board.Run], _ request: Board.Request?
  ) -> Cause? {
    if let failed = new.first(where: { $0.state == .crashed || $0.state == .unready }) {
      return failed.cause
        ?? Cause(
          .bootFailed, "\(failed.instance) of \(deployment.release) is \(failed.state.rawValue)")
    }
    let phase = new.first { $0.instance.process == ProcessType.release }
    guard let phase, phase.state.isLive else {
      // The time of the release phase does not count, and in batches that of the instances that are ready.
      let ready = deployment.batch == nil ? [] : new.filter { $0.state == .ready }.map(\.since)
      let extra =
        ready.max().map { $0 - deployment.since } ?? phase.map { $0.since - $0.started } ?? 0
      return request.flatMap { reasonToGiveUp($0, extra: extra) }
    }
    let end = phase.started + Self.phaseLimit
    if end < surroundings.now {
      return Cause(
        .releasePhase,
        "the release phase of \(deployment.release) was ended after \(Self.phaseLimit / 60_000) minutes",
        remedy:
          "A migration may be unfinished. Read its output: relctl logs \(app.name)/\(phase.instance)"
      )
    }
    wake(at: end + 1)
    guard var cause = request.flatMap({ reasonToGiveUp($0, extra: nil) }) else { return nil }
    cause.sentence += " during its release phase; a migration may be unfinished"
    return cause
  }

  /// Starts new runs beside the old ones, then replaces the instances that must not run twice, then switches.
  private mutating func replace(
    with deployment: Board.Deployment, _ request: Board.Request?, _ new: [Board.Run]
  ) {
    guard let processes = processes(of: deployment) else { return }
    if let phase = phase(of: deployment, request, processes) {
      let run = new.first { $0.instance == phase }
      if run == nil { actions.append(.startReleasePhase(deployment.release)) }
      if run?.state.isLive ?? true { return keep(sparing: deployment.release) }
    }
    let isAsleep = app.isStopped && deployment.isConfigChange
    let wanted = Board.App.instances(of: isAsleep ? [:] : deployment.formation)
      .filter { processes.contains($0.process) }
    // A new run that was stopped from outside is missing, and is started again.
    let new = new.filter { $0.state != .stopped }
    func isBeside(_ instance: InstanceName) -> Bool {
      app.mayRunBeside(instance.process, deployment.release, [app.current])
    }
    let (beside, inTurn) = (wanted.filter(isBeside), wanted.filter { !isBeside($0) })
    // Instances of which the current release has no run any more, because the new release has one.
    var replaced = deployment.batch == nil ? [] : Set(beside.filter { isReady([$0], new) })
    if startBeside(beside, deployment, new) {
      let missing = inTurn.filter { !isReady([$0], new) }
      replaced.formUnion(inTurn.filter { !missing.contains($0) })
      let batch = deployment.batch ?? app.release(deployment.release)?.rollout?.batch
      for instance in missing.prefix(batch ?? app.batch(of: inTurn.count)) {
        replaced.insert(instance)
        replaceInTurn(instance, deployment, new)
      }
      if missing.isEmpty { actions.append(.step(deployment.release, .switchOver)) }
    }
    let others = new.map(\.instance).filter(inTurn.contains)
    keep(sparing: deployment.release, busy: replaced.union(others))
  }

  /// Starts new runs beside the old ones: all, or in batches, in each of which the old runs end when the new ones are ready.
  /// - Returns: whether all are ready, and in batches the old ones gone.
  private mutating func startBeside(
    _ instances: [InstanceName], _ deployment: Board.Deployment, _ new: [Board.Run]
  ) -> Bool {
    guard let batch = deployment.batch else {
      for instance in instances where !new.contains(where: { $0.instance == instance }) {
        start(instance, deployment.release)
      }
      return isReady(instances, new)
    }
    let waiting = instances.filter { !isReady([$0], new) || !old($0, deployment).isEmpty }
    for instance in waiting.prefix(batch) {
      guard let run = new.last(where: { $0.instance == instance }) else {
        start(instance, deployment.release)
        continue
      }
      if run.state != .ready { continue }
      let drained = run.since + drain(run, by: app.release(deployment.release))
      if drained > surroundings.now { wake(at: drained) } else { stop(old(instance, deployment)) }
    }
    return waiting.isEmpty
  }

  /// The instance's runs of other releases.
  private func old(_ instance: InstanceName, _ deployment: Board.Deployment) -> [Board.Run] {
    app.liveRuns.filter { $0.instance == instance && $0.release != deployment.release }
  }

  /// The process types of the release; nil if they cannot be read. Then there may be a release phase, so nothing may
  /// start.
  private mutating func processes(of deployment: Board.Deployment) -> Set<String>? {
    switch surroundings.processes(deployment.release) {
    case .success(let known): return known
    case .failure(let cause):
      keep(sparing: deployment.release)
      if cause.id == ProblemID.system.rawValue {
        // A failed call may succeed the next time, but a damaged file stays damaged.
        wake(at: surroundings.now + Self.readPause)
      } else {
        actions.append(.failDeployment(deployment.release, cause))
      }
      return nil
    }
  }

  /// The instance that runs the release phase; nil if there is none. A rollback has one only if the operator asks for
  /// it, because migrations rarely work backwards.
  private func phase(
    of deployment: Board.Deployment, _ request: Board.Request?, _ processes: Set<String>
  ) -> InstanceName? {
    let isRollback = app.release(deployment.release)?.from != nil
    guard processes.contains(ProcessType.release), !isRollback || request?.data.phase == true
    else { return nil }
    return InstanceName(ProcessType.release, 1)
  }

  private mutating func replaceInTurn(
    _ instance: InstanceName, _ deployment: Board.Deployment, _ new: [Board.Run]
  ) {
    if new.contains(where: { $0.instance == instance }) { return }
    let old = old(instance, deployment)
    stop(old)
    if old.isEmpty { start(instance, deployment.release) }
  }

  private func isReady(_ instances: [InstanceName], _ runs: [Board.Run]) -> Bool {
    instances.allSatisfy { instance in
      runs.contains { $0.instance == instance && $0.state == .ready }
    }
  }
}

// MARK: - After the switch

extension AppReconciler {
  /// The end of an observation.
  private enum Verdict {
    case passed, cutShort
    case failed(Cause)
  }

  /// Observes the new release while the old runs stand by, then stops them.
  private mutating func observe(_ deployment: Board.Deployment, _ request: Board.Request?) {
    if deployment.isObserved != true, let verdict = verdict(on: deployment, request) {
      return end(deployment, verdict)
    }
    keep()
    guard deployment.isObserved == true else { return }
    let isAlone = app.liveRuns.allSatisfy { $0.release == deployment.release }
    if isAlone || isAwaited(deployment) || request.flatMap({ reasonToGiveUp($0) }) != nil {
      actions.append(.finishDeployment(deployment.release))
    }
  }

  private mutating func end(_ deployment: Board.Deployment, _ verdict: Verdict) {
    switch verdict {
    case .passed: actions.append(.step(deployment.release, .passed))
    case .cutShort: actions.append(.step(deployment.release, .cutShort))
    case .failed(let cause) where wayBack(of: deployment) != nil:
      actions.append(.beginToRevert(deployment.release, cause))
    case .failed(var cause):
      cause.sentence +=
        app.release(deployment.release)?.from == nil
        ? "; there is no earlier release to go back to" : "; a rollback is not reverted"
      actions.append(.failDeployment(deployment.release, cause))
    }
  }

  private mutating func verdict(on deployment: Board.Deployment, _ request: Board.Request?)
    -> Verdict?
  {
    let new = app.runs.filter { $0.release == deployment.release && $0.state != .stopped }
    if let crashed = new.first(where: { $0.state == .crashed }) {
      return .failed(crashed.cause ?? Cause(.crashed, "\(crashed.instance) crashed"))
    }
    if let first = request.flatMap(precedence), first.operation is Cancel {
      return wayBack(of: deployment) == nil ? .cutShort : .failed(first.cause)
    }
    if isAwaited(deployment) { return .cutShort }
    let observation = app.release(deployment.release)?.rollout?.observe ?? 0
    let wanted = app.isStopped ? [] : Board.App.instances(of: deployment.formation)
    let end = (deployment.switched ?? surroundings.now) + observation
    if end > surroundings.now, !wanted.isEmpty {
      // Memory may run short meanwhile.
      wake(at: min(end, surroundings.now + 1000))
      return nil
    }
    // Process types that the release does not have never run.
    let lost = wanted.compactMap { instance in
      let mine = new.filter { $0.instance == instance }
      return mine.contains { $0.state == .ready } ? nil : mine.last
    }.first
    guard let lost, observation > 0 else { return .passed }
    return .failed(
      lost.cause
        ?? Cause(
          .notReady,
          "\(lost.instance) of \(lost.release) is \(lost.state.rawValue) at the end of its observation"
        ))
  }

  /// The release that a revert of the deployment brings back; nil if there is none, or the operator asked to leave it.
  func wayBack(of deployment: Board.Deployment) -> ReleaseNumber? {
    app.release(deployment.release)?.from == nil ? deployment.former?.release : nil
  }

  /// Whether another request waits for the end of the deployment.
  private func isAwaited(_ deployment: Board.Deployment) -> Bool {
    surroundings.requests.contains {
      $0.isAccepted && $0.id != deployment.request && !isCancel($0)
    }
  }

  /// Brings the former release back. It is current already; what is left is to stop the runs of the other one.
  private mutating func revert(
    _ deployment: Board.Deployment, _ request: Board.Request?, _ cause: Cause
  ) {
    keep()
    let isOver = app.liveRuns.allSatisfy { $0.release != deployment.release }
    if isOver || isAwaited(deployment) || request.flatMap({ expiry(of: $0) }) != nil {
      actions.append(.revertDeployment(deployment.release, cause))
    }
  }
}
