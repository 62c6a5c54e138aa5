import Events
import HomeLayout
import Operations

/// An action of the agent for an app. Each action is recorded in the log before or as it is done,
/// so the board is always up to date.
public enum AppAction: Equatable, Sendable {
  /// Check whether a request can be carried out, then accept or reject it.
  case consider(Board.Request)
  case createRelease(NewRelease, for: Board.Request)
  /// Record these config vars for the app's first release.
  case keepConfig(String, for: Board.Request)
  case beginDeployment(ReleaseNumber, for: Board.Request)
  case step(ReleaseNumber, String)
  case finishDeployment(ReleaseNumber)
  case failDeployment(ReleaseNumber, Cause)
  case revertDeployment(ReleaseNumber, Cause)
  case finish(Board.Request)
  case fail(Board.Request, Cause)
  case start(InstanceName, ReleaseNumber)
  case stop(Board.Run)
  case abandon(Board.Run, Cause)
}

/// The reconciler of one app: a pure function from desired and actual state to the next actions.
///
/// It keeps no state, so the agent can be killed at any time: the next agent plans the same actions from the same log.
public struct AppReconciler {
  private let app: Board.App
  private let surroundings: Surroundings
  private var actions: [AppAction] = []
  private var wakeAt: Timestamp?

  /// Everything besides the app that the plan depends on.
  public struct Surroundings {
    /// The app's open requests, oldest first.
    public var requests: [Board.Request]
    public var now: Timestamp
    /// Milliseconds since each instance's last crash.
    public var sinceCrash: [InstanceName: Int64] = [:]
    public var hasSpace = true
    public var operations = OperationTable.standard
    /// The process types of a release, or why they cannot be read.
    public var processes: (ReleaseNumber) -> Result<Set<String>, Cause>
  }

  /// The number of consecutive crashes after which an instance is not restarted any more.
  static let crashLimit = 8
  /// Milliseconds until a manifest that could not be read is tried again.
  private static let readPause: Int64 = 1000

  /// - Returns: the actions to do now, and when to plan again if nothing happens before.
  public static func plan(
    _ app: Board.App, in surroundings: Surroundings
  ) -> (actions: [AppAction], wakeAt: Timestamp?) {
    var reconciler = AppReconciler(app: app, surroundings: surroundings)
    reconciler.plan()
    return (reconciler.actions, reconciler.wakeAt)
  }

  private init(app: Board.App, surroundings: Surroundings) {
    (self.app, self.surroundings) = (app, surroundings)
  }

  private mutating func plan() {
    if let deployment = app.deployment { return deploy(deployment) }
    guard let request = surroundings.requests.first else { return keep() }
    guard request.isAccepted else {
      // Accepting the request may change all other actions, so they are planned afterwards.
      actions.append(.consider(request))
      return
    }
    switch surroundings.operations.operation(request)?.progress(of: request, on: app) {
    case .wants(let goal): pursue(goal, for: request)
    case .finished:
      keep()
      actions.append(.finish(request))
    case .failed(let cause, let runs):
      stop(runs)
      keep(busy: Set(runs.map(\.instance)))
      actions.append(.fail(request, cause))
    case nil:
      keep()
      actions.append(.fail(request, Self.unknown(request)))
    }
  }

  private mutating func pursue(_ goal: Goal, for request: Board.Request) {
    if let cause = reasonToGiveUp(request) {
      keep()
      actions.append(.fail(request, cause))
      return
    }
    if case .newRun(let instance) = goal { return renew(instance, for: request) }
    keep()
    switch goal {
    case .release(let new): actions.append(.createRelease(new, for: request))
    case .firstConfig(let digest): actions.append(.keepConfig(digest, for: request))
    case .current(let release): actions.append(.beginDeployment(release, for: request))
    case .formation, .newRun: return
    }
  }

  /// The cause for a request that this version does not know or whose event lacks a field.
  static func unknown(_ request: Board.Request) -> Cause {
    Cause(.usage, "this version cannot carry out \(request.type.rawValue)")
  }

  /// The reason to give up a request: another one that takes precedence, or its deadline.
  private func reasonToGiveUp(_ request: Board.Request) -> Cause? {
    guard let operation = surroundings.operations.operation(request) else { return nil }
    for other in surroundings.requests where other.id != request.id {
      guard let first = surroundings.operations.operation(other), first.goesBefore(operation)
      else { continue }
      let who = other.data.by ?? "an operator"
      return Cause(.requestGivenUp, "given up for the \(first.sentence) by \(who)")
    }
    guard type(of: operation).isGivenUp, let deadline = request.data.deadline,
      deadline < surroundings.now
    else { return nil }
    return Cause(
      .requestExpired, "it was not done before its deadline",
      remedy: "See what it waits for: relctl logs \(app.name)")
  }
}

// MARK: - Deployments

extension AppReconciler {
  private mutating func deploy(_ deployment: Board.Deployment) {
    let request = surroundings.requests.first { $0.id == deployment.request }
    let new = app.runs.filter { $0.release == deployment.release }
    if deployment.hasSwitched {
      keep()
      if app.liveRuns.allSatisfy({ $0.release == deployment.release }) {
        actions.append(.finishDeployment(deployment.release))
      }
    } else if let cause = deployment.cause {
      keep(sparing: deployment.release)
      stop(new)
      if new.allSatisfy({ !$0.state.isLive }) {
        actions.append(.revertDeployment(deployment.release, cause))
      }
    } else if let cause = reasonToFail(deployment, new, request) {
      keep(sparing: deployment.release)
      actions.append(.failDeployment(deployment.release, cause))
    } else {
      replace(with: deployment, new)
    }
  }

  private func reasonToFail(
    _ deployment: Board.Deployment, _ new: [Board.Run], _ request: Board.Request?
  ) -> Cause? {
    if let failed = new.first(where: { $0.state == .crashed || $0.state == .unready }) {
      return failed.cause
        ?? Cause(
          .bootFailed, "\(failed.instance) of \(deployment.release) is \(failed.state.rawValue)")
    }
    return request.flatMap(reasonToGiveUp)
  }

  /// Starts new runs beside the old ones, then replaces the instances that must not run twice one
  /// by one, then switches.
  private mutating func replace(with deployment: Board.Deployment, _ new: [Board.Run]) {
    let processes: Set<String>
    switch surroundings.processes(deployment.release) {
    case .success(let known): processes = known
    case .failure(let cause):
      // If the process types are unknown, there may be a release phase, so nothing may start.
      keep(sparing: deployment.release)
      if cause.id == ProblemID.system.rawValue {
        // A failed call may succeed the next time, but a damaged file stays damaged.
        let moment = surroundings.now + Self.readPause
        wakeAt = min(wakeAt ?? moment, moment)
      } else {
        actions.append(.failDeployment(deployment.release, cause))
      }
      return
    }
    if processes.contains(ProcessType.release) {
      guard let phase = new.first(where: { $0.instance.process == ProcessType.release }) else {
        keep(sparing: deployment.release)
        if deployment.step == nil { actions.append(.step(deployment.release, "release phase")) }
        actions.append(.start(InstanceName(ProcessType.release, 1), deployment.release))
        return
      }
      if phase.state.isLive { return keep(sparing: deployment.release) }
    }
    let isAsleep = app.isStopped && deployment.isConfigChange
    let wanted = Board.App.instances(of: isAsleep ? [:] : deployment.formation)
      .filter { processes.contains($0.process) }
    // A new run that was stopped from outside is missing, and is started again.
    let new = new.filter { $0.state != .stopped }
    let beside = wanted.filter { ProcessType.mayRunTwice($0.process) }
    let inTurn = wanted.filter { !ProcessType.mayRunTwice($0.process) }
    var replaced = Set(new.map(\.instance))
    for instance in beside where !new.contains(where: { $0.instance == instance }) {
      actions.append(.start(instance, deployment.release))
    }
    if isReady(beside, new) {
      for instance in inTurn {
        replaced.insert(instance)
        if isReady([instance], new) { continue }
        replaceInTurn(instance, deployment.release, new)
        break
      }
    }
    if isReady(wanted, new) {
      actions.append(.step(deployment.release, Board.Deployment.switchStep))
    }
    keep(sparing: deployment.release, busy: replaced.intersection(inTurn))
  }

  private mutating func replaceInTurn(
    _ instance: InstanceName, _ release: ReleaseNumber, _ new: [Board.Run]
  ) {
    if new.contains(where: { $0.instance == instance }) { return }
    let old = app.liveRuns.filter { $0.instance == instance && $0.release != release }
    stop(old)
    if old.isEmpty { actions.append(.start(instance, release)) }
  }

  private func isReady(_ instances: [InstanceName], _ runs: [Board.Run]) -> Bool {
    instances.allSatisfy { instance in
      runs.contains { $0.instance == instance && $0.state == .ready }
    }
  }
}

extension AppReconciler {
  /// Starts a new run and stops the old one when the new one is ready. A process that must not run
  /// twice is stopped first.
  private mutating func renew(_ instance: InstanceName, for request: Board.Request) {
    let runs = app.liveRuns.filter { $0.instance == instance }
    let old = runs.filter { $0.id < request.accepted }
    let new = runs.filter { $0.id > request.accepted && $0.release == app.current }
    let mayRunTwice = ProcessType.mayRunTwice(instance.process)
    if new.contains(where: { $0.state == .ready }) || new.isEmpty && !mayRunTwice { stop(old) }
    if new.isEmpty, old.isEmpty || mayRunTwice, let current = app.current {
      actions.append(.start(instance, current))
    }
    keep(busy: [instance])
  }
}

// MARK: - The steady state

extension AppReconciler {
  /// Keeps the formation of the current release: starts missing instances, stops surplus runs.
  /// - Parameters:
  ///   - spared: a release whose runs belong to a deployment.
  ///   - busy: instances that are being replaced.
  private mutating func keep(sparing spared: ReleaseNumber? = nil, busy: Set<InstanceName> = []) {
    let wanted =
      app.isStopped || app.current == nil
      ? [] : Board.App.instances(of: app.formation).filter { !busy.contains($0) }
    for run in app.liveRuns where run.release != spared && !busy.contains(run.instance) {
      if run.release != app.current || !wanted.contains(run.instance) { stop([run]) }
    }
    guard let current = app.current else { return }
    for instance in wanted {
      let mine = app.liveRuns.filter { $0.instance == instance }
      let serving = mine.filter { $0.release == current && $0.state != .stopping }
      if serving.isEmpty {
        if mine.isEmpty || ProcessType.mayRunTwice(instance.process) {
          startAgain(instance, current)
        }
      } else {
        keepOne(of: serving)
      }
    }
  }

  /// Keeps one run of an instance, the newest ready one; an interrupted restart leaves two. A run
  /// that was not ready in time is stopped.
  private mutating func keepOne(of serving: [Board.Run]) {
    let best = serving.last { $0.state == .ready } ?? serving.last
    stop(serving.filter { $0.id != best?.id || $0.cause?.id == ProblemID.bootTimeout.rawValue })
  }

  private mutating func startAgain(_ instance: InstanceName, _ release: ReleaseNumber) {
    guard let crashes = app.crashes[instance] else {
      actions.append(.start(instance, release))
      return
    }
    if crashes.isAbandoned { return }
    // A full disk is not the instance's fault: it waits until there is space.
    if crashes.cause?.isOfFullDisk == true, !surroundings.hasSpace { return }
    if crashes.count >= Self.crashLimit {
      guard let last = app.runs.last(where: { $0.instance == instance && $0.state == .crashed })
      else { return }
      let sentence = "\(instance) crashed \(crashes.count) times in a row and is left down"
      let reason = crashes.cause.map { ": " + $0.sentence } ?? ""
      actions.append(
        .abandon(
          last,
          Cause(
            .crashLoop, sentence + reason,
            remedy:
              "When it is repaired: relctl restart \(app.name), or relctl rollback \(app.name)")
        ))
      return
    }
    let rest = crashes.pause - (surroundings.sinceCrash[instance] ?? 0)
    if rest <= 0 {
      actions.append(.start(instance, release))
    } else {
      let moment = surroundings.now + rest
      wakeAt = min(wakeAt ?? moment, moment)
    }
  }

  private mutating func stop(_ runs: [Board.Run]) {
    for run in runs where run.state.isLive && run.state != .stopping {
      if !actions.contains(.stop(run)) { actions.append(.stop(run)) }
    }
  }
}
