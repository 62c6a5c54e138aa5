import Events
import HomeLayout

/// What the agent does next for an app. Each action is written to the log before or as it is done, so that the board always knows.
public enum Action: Equatable, Sendable {
  /// Look whether a request can be carried out, then accept or reject it.
  case consider(Board.Request)
  case createRelease(Board.Request)
  case beginDeployment(ReleaseNumber, request: Board.Request)
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

/// Desired state against actual state, for one app: a pure function from the board to the next actions.
///
/// It remembers nothing, so the agent can be killed at any moment: the next one comes to the same conclusion from
/// the same log.
public struct Reconciler {
  /// What must be known of a release to run it.
  public struct Facts: Sendable {
    public var processes: Set<String>

    public init(processes: Set<String>) { self.processes = processes }

    var hasReleasePhase: Bool { processes.contains(ProcessType.release) }
  }

  private let app: Board.App
  /// The app's open requests, oldest first.
  private let requests: [Board.Request]
  private let now: Timestamp
  /// Milliseconds since each instance's last crash.
  private let sinceCrash: [InstanceName: Int64]
  /// Whether the disk has what a run needs.
  private let hasSpace: Bool
  private let facts: (ReleaseNumber) -> Facts?
  private var actions: [Action] = []
  private var wakeAt: Timestamp?

  /// After so many crashes in a row an instance is left down.
  static let crashLimit = 8

  public static func plan(
    _ app: Board.App, requests: [Board.Request], now: Timestamp,
    sinceCrash: [InstanceName: Int64], hasSpace: Bool = true,
    facts: @escaping (ReleaseNumber) -> Facts?
  ) -> (actions: [Action], wakeAt: Timestamp?) {
    var reconciler = Reconciler(
      app: app, requests: requests, now: now, sinceCrash: sinceCrash, hasSpace: hasSpace,
      facts: facts)
    reconciler.plan()
    return (reconciler.actions, reconciler.wakeAt)
  }

  private init(
    app: Board.App, requests: [Board.Request], now: Timestamp,
    sinceCrash: [InstanceName: Int64], hasSpace: Bool, facts: @escaping (ReleaseNumber) -> Facts?
  ) {
    self.app = app
    self.requests = requests
    self.now = now
    self.sinceCrash = sinceCrash
    self.hasSpace = hasSpace
    self.facts = facts
  }

  private mutating func plan() {
    if let deployment = app.deployment { return deploy(deployment) }
    guard let request = requests.first else { return keep() }
    if !request.isAccepted {
      // Alone: what else is to be done may be another thing once it is accepted.
      actions.append(.consider(request))
      return
    }
    switch request.type {
    case .restartRequested, .scaleRequested:
      if let cause = reasonToGiveUp(request) {
        keep()
        actions.append(.fail(request, cause))
      } else if request.type == .restartRequested {
        restart(request)
      } else {
        scale(request)
      }
    case .stopRequested:
      keep()
      if app.liveRuns.isEmpty { actions.append(.finish(request)) }
    default: release(request)
    }
  }

  /// An operator who stops the app does not wait for what was asked before, and nothing is tried for ever.
  private func reasonToGiveUp(_ request: Board.Request) -> Cause? {
    if request.type == .stopRequested { return nil }
    if let stopper = requests.first(where: { $0.type == .stopRequested && $0.id != request.id }) {
      return Cause(
        .requestGivenUp, "given up, as \(stopper.data.by ?? "an operator") stops the app")
    }
    guard let deadline = request.data.deadline, deadline < now else { return nil }
    return Cause(
      .requestExpired, "it was not done before its deadline",
      remedy: "See what it waits for: relctl logs \(app.name)")
  }
}

// MARK: - Deployments

extension Reconciler {
  /// Between an accepted request and its deployment, or between the deployment's end and the request's.
  private mutating func release(_ request: Board.Request) {
    keep()
    guard let release = app.releases.last(where: { $0.request == request.id }) else {
      // Config vars of an app without releases wait for its first one.
      let isConfigOnly = request.type == .configRequested && app.current == nil
      if isConfigOnly && app.config == request.data.config {
        actions.append(.finish(request))
      } else if let cause = reasonToGiveUp(request) {
        actions.append(.fail(request, cause))
      } else {
        actions.append(.createRelease(request))
      }
      return
    }
    if app.current == release.number {
      actions.append(.finish(request))
    } else if let failure = app.failure, failure.release == release.number {
      actions.append(.fail(request, failure.cause))
    } else if let cause = reasonToGiveUp(request) {
      actions.append(.fail(request, cause))
    } else {
      actions.append(.beginDeployment(release.number, request: request))
    }
  }

  private mutating func deploy(_ deployment: Board.Deployment) {
    let request = requests.first { $0.id == deployment.request }
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

  /// New runs beside the old ones; then, one place at a time, those that must not work twice; then the switch.
  private mutating func replace(with deployment: Board.Deployment, _ new: [Board.Run]) {
    let facts = facts(deployment.release)
    if facts?.hasReleasePhase == true {
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
      .filter { facts?.processes.contains($0.process) ?? true }
    // One that was stopped from outside is as good as none: it is started again.
    let new = new.filter { $0.state != .stopped }
    let beside = wanted.filter { Self.canRunTwice($0.process) }
    let inTurn = wanted.filter { !Self.canRunTwice($0.process) }
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

  /// Only what is reached through a port of its own may run beside its successor; a worker would do its work twice.
  static func canRunTwice(_ process: String) -> Bool { process == ProcessType.web }
}

// MARK: - Restart and scale

extension Reconciler {
  /// One instance at a time: a new run, gated; then the old one goes.
  private mutating func restart(_ request: Board.Request) {
    let all = Board.App.instances(of: app.formation)
    let targets = request.data.instance.map { [$0] } ?? all
    for instance in targets {
      let runs = app.runs.filter { $0.instance == instance }
      let fresh = runs.filter {
        $0.id > request.accepted && $0.release == app.current && $0.state != .stopped
      }
      let old = runs.filter { $0.id < request.accepted && $0.state.isLive }
      if let failed = fresh.last, failed.state == .crashed || failed.state == .unready {
        stop(fresh)
        let cause = failed.cause ?? Cause(.bootFailed, "\(instance) did not come back")
        actions.append(.fail(request, cause))
        return keep(busy: [instance])
      }
      if fresh.contains(where: { $0.state == .ready }) {
        stop(old)
        if !old.isEmpty { return keep(busy: [instance]) }
        continue
      }
      if fresh.isEmpty, let current = app.current {
        if !Self.canRunTwice(instance.process) { stop(old) }
        if old.isEmpty || Self.canRunTwice(instance.process) {
          actions.append(.start(instance, current))
        }
      }
      return keep(busy: [instance])
    }
    keep()
    actions.append(.finish(request))
  }

  private mutating func scale(_ request: Board.Request) {
    keep()
    let wanted = Board.App.instances(of: app.formation)
    if let failed = app.runs.last(where: {
      $0.id > request.accepted && ($0.state == .crashed || $0.state == .unready)
    }) {
      let cause = failed.cause ?? Cause(.bootFailed, "\(failed.instance) did not start")
      actions.append(.fail(request, cause))
    } else if isReady(wanted, app.liveRuns.filter({ $0.release == app.current })),
      app.liveRuns.allSatisfy({ wanted.contains($0.instance) })
    {
      actions.append(.finish(request))
    }
  }
}

// MARK: - The steady state

extension Reconciler {
  /// Keeps the current release's formation: starts what is missing, stops what is too much.
  /// - Parameters:
  ///   - spared: a release whose runs somebody else looks after.
  ///   - busy: places that are being replaced.
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
        if mine.isEmpty || Self.canRunTwice(instance.process) { startAgain(instance, current) }
      } else {
        keepOne(of: serving)
      }
    }
  }

  /// An interrupted restart leaves two; the newest that works stays. One that never got ready in time goes.
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
    // It is not its fault: it is neither given up, nor tried at the cost of the log's last room.
    if crashes.cause?.isOfFullDisk == true, !hasSpace { return }
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
            remedy: "When it is mended: relctl restart \(app.name), or relctl rollback \(app.name)")
        ))
      return
    }
    let rest = Self.pause(afterCrashes: crashes.count) - (sinceCrash[instance] ?? 0)
    if rest <= 0 {
      actions.append(.start(instance, release))
    } else {
      wakeAt = min(wakeAt ?? now + rest, now + rest)
    }
  }

  /// Milliseconds: 0.5 s, 1 s, 2 s … up to a minute.
  static func pause(afterCrashes count: Int) -> Int64 {
    min(60_000, 250 << Int64(min(max(count, 1), 10)))
  }

  private mutating func stop(_ runs: [Board.Run]) {
    for run in runs where run.state.isLive && run.state != .stopping {
      if !actions.contains(.stop(run)) { actions.append(.stop(run)) }
    }
  }
}
