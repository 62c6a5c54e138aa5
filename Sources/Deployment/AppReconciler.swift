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
  case step(ReleaseNumber, Board.Deployment.Step)
  case startReleasePhase(ReleaseNumber)
  case finishDeployment(ReleaseNumber)
  case failDeployment(ReleaseNumber, Cause)
  /// Make the former release current again; its runs follow.
  case beginToRevert(ReleaseNumber, Cause)
  /// Record that the former release runs again.
  case revertDeployment(ReleaseNumber, Cause)
  case finish(Board.Request)
  case fail(Board.Request, Cause)
  case start(InstanceName, ReleaseNumber)
  case stop(Board.Run)
  case abandon(Board.Run, Cause)
  /// Have the add-ons provided that the preview's slug asks for.
  case providePreview(String, for: Board.Request)
  /// Make the preview's config vars for its slug.
  case makePreviewConfig(String, for: Board.Request)
  /// Record that the preview's script has run.
  case openPreview(Board.Request)
  /// Have everything removed that belongs to the preview.
  case removePreview
  /// Leave what could not be removed for a while.
  case restPreview
  /// Record that these things of the preview are gone, and the preview with them.
  case recordClosed([String])

  var endsRequest: Bool {
    switch self {
    case .finish, .fail: true
    default: false
    }
  }
}

/// The reconciler of one app: a pure function from desired and actual state to the next actions.
///
/// It keeps no state, so the agent can be killed at any time: the next agent plans the same actions from the same log.
public struct AppReconciler {
  let app: Board.App
  let surroundings: Surroundings
  var actions: [AppAction] = []
  private(set) var wakeAt: Timestamp?

  /// Everything besides the app that the plan depends on.
  public struct Surroundings {
    /// The app's open requests, oldest first.
    public var requests: [Board.Request]
    public var now: Timestamp
    /// Milliseconds since each instance's last crash.
    public var sinceCrash: [InstanceName: Int64] = [:]
    public var hasSpace = true
    /// Whether the host has so little free memory that runs without traffic must go.
    public var isMemoryShort = false
    public var operations = OperationTable.standard
    /// Whether the router has not read its configuration yet; until then no request ends. And why it could not read the last
    /// one.
    public var isRouterBusy = false
    public var routerFault: Cause?
    /// What a helper does for the preview, for a request or to remove it; nil if there is none.
    public var previewTask: (_ purpose: String) -> PreviewTask? = { _ in nil }
    /// The most runs of the app that may boot at the same time.
    public var mostBoots = 8
    /// The process types of a release, or why they cannot be read.
    public var processes: (ReleaseNumber) -> Result<Set<String>, Cause>
  }

  /// The number of consecutive crashes after which an instance is not restarted any more, if its release never was
  /// healthy and there is none to go back to.
  static let crashLimit = 8
  /// Milliseconds until a manifest that could not be read is tried again.
  static let readPause: Int64 = 1000

  /// - Returns: the actions to do now, and when to plan again if nothing happens before.
  public static func plan(
    _ app: Board.App, in surroundings: Surroundings
  ) -> (actions: [AppAction], wakeAt: Timestamp?) {
    var reconciler = AppReconciler(app: app, surroundings: surroundings)
    reconciler.plan()
    if surroundings.isRouterBusy { reconciler.actions.removeAll(where: \.endsRequest) }
    return (reconciler.actions, reconciler.wakeAt)
  }

  private init(app: Board.App, surroundings: Surroundings) {
    (self.app, self.surroundings) = (app, surroundings)
  }

  private mutating func plan() {
    if app.preview?.isClosing == true { return close() }
    for request in surroundings.requests where !request.isAccepted && isUrgent(request) {
      actions.append(.consider(request))
    }
    if !actions.isEmpty { return }
    for request in surroundings.requests where !request.isAccepted {
      if let cause = precedence(over: request)?.cause { actions.append(.fail(request, cause)) }
    }
    actions += surroundings.requests.filter { $0.isAccepted && isImmediate($0) }
      .map(end(ofImmediate:))
    if !actions.isEmpty { return }
    if let deployment = app.deployment { return deploy(deployment) }
    let request = surroundings.requests.first { !$0.isAccepted || !isImmediate($0) }
    guard let request else { return keep() }
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
    if case .newRuns(let instances) = goal { return renew(instances, for: request) }
    if goal == .opened { return runPostdeploy(for: request) }
    keep()
    switch goal {
    case .release(let new): actions.append(.createRelease(new, for: request))
    case .firstConfig(let digest): actions.append(.keepConfig(digest, for: request))
    case .current(let release): actions.append(.beginDeployment(release, for: request))
    case .prepared(let slug): prepare(slug, for: request)
    case .formation, .newRuns, .opened, .closed: return
    }
  }

  /// The cause for a request that this version does not know or whose event lacks a field.
  static func unknown(_ request: Board.Request) -> Cause {
    Cause(.usage, "this version cannot carry out \(request.type.rawValue)")
  }

  mutating func wake(at moment: Timestamp) { wakeAt = min(wakeAt ?? moment, moment) }
}

// MARK: - Requests that end before they are done

extension AppReconciler {
  /// A newer request that takes precedence, and what it means for this one.
  struct Precedence {
    let operation: any Operation
    let cause: Cause
  }

  func isCancel(_ request: Board.Request) -> Bool {
    surroundings.operations.operation(request) is Cancel
  }

  private func end(ofImmediate request: Board.Request) -> AppAction {
    let operation = surroundings.operations.operation(request)
    guard let fault = surroundings.routerFault, let operation, type(of: operation).changesRouter
    else { return .finish(request) }
    return .fail(request, fault)
  }

  private func isImmediate(_ request: Board.Request) -> Bool {
    surroundings.operations.operation(request).map { type(of: $0).isImmediate } ?? false
  }

  /// Whether the request is considered at once: it is done then, it may end others that are still open, it ends the
  /// observation of a release, or this version does not know it. Only an accepted one has an effect.
  private func isUrgent(_ request: Board.Request) -> Bool {
    guard let operation = surroundings.operations.operation(request), !isImmediate(request) else {
      return true
    }
    if let deployment = app.deployment, deployment.hasSwitched {
      // One after the other: what the first one does decides whether the next is possible.
      let next = surroundings.requests.first {
        $0.id != deployment.request && !isCancel($0) && !isImmediate($0)
      }
      if next?.id == request.id { return true }
    }
    return surroundings.requests.contains { older in
      guard older.sequence < request.sequence,
        let other = surroundings.operations.operation(older)
      else { return false }
      return operation.goesBefore(other, of: older)
    }
  }

  func precedence(over request: Board.Request) -> Precedence? {
    guard let operation = surroundings.operations.operation(request) else { return nil }
    for other in surroundings.requests
    where other.isAccepted && other.sequence > request.sequence {
      guard let first = surroundings.operations.operation(other),
        first.goesBefore(operation, of: request)
      else { continue }
      return Precedence(
        operation: first, cause: first.precedenceCause(by: other.data.by ?? "an operator"))
    }
    return nil
  }

  /// The reason to give up a request: another one that takes precedence, or its deadline.
  /// - Parameter extra: milliseconds that do not count, or nil if the deadline does not count now.
  mutating func reasonToGiveUp(_ request: Board.Request, extra: Int64? = 0) -> Cause? {
    precedence(over: request)?.cause ?? expiry(of: request, extra: extra)
  }

  /// The cause, if the request's deadline has passed.
  mutating func expiry(of request: Board.Request, extra: Int64? = 0) -> Cause? {
    guard let operation = surroundings.operations.operation(request),
      type(of: operation).isGivenUp, let deadline = request.data.deadline, let extra
    else { return nil }
    if deadline + extra >= surroundings.now {
      wake(at: deadline + extra + 1)
      return nil
    }
    return Cause(
      .requestExpired, "it was not done before its deadline",
      remedy: "See what it waits for: relctl logs \(app.name)")
  }
}

// MARK: - Restarts

extension AppReconciler {
  /// Starts new runs and stops the old ones when the new ones are ready. A process that must not run twice is stopped
  /// first.
  private mutating func renew(_ instances: [InstanceName], for request: Board.Request) {
    for instance in instances {
      let runs = app.liveRuns.filter { $0.instance == instance }
      let old = runs.filter { $0.id < request.accepted && $0.release == app.current }
      let new = runs.filter { $0.id > request.accepted && $0.release == app.current }
      let isBeside = app.mayRunTwice(instance.process, app.current)
      if new.contains(where: { $0.state == .ready }) || new.isEmpty && !isBeside { stop(old) }
      if new.isEmpty, old.isEmpty || isBeside, let current = app.current {
        start(instance, current)
      }
    }
    keep(busy: Set(instances))
  }
}

// MARK: - The steady state

extension AppReconciler {
  /// Keeps the formation of the current release: starts missing instances, stops surplus runs.
  /// - Parameters:
  ///   - spared: a release whose runs belong to a deployment.
  ///   - busy: instances that are being replaced.
  mutating func keep(sparing spared: ReleaseNumber? = nil, busy: Set<InstanceName> = []) {
    let wanted = wantedInstances.filter { !busy.contains($0) }
    for run in app.liveRuns where run.release != spared && !busy.contains(run.instance) {
      if run.release == app.current ? !wanted.contains(run.instance) : mayEnd(run, wanted) {
        stop([run])
      }
    }
    guard let current = app.current else { return }
    for instance in wanted {
      let mine = app.liveRuns.filter { $0.instance == instance }
      let serving = mine.filter { $0.release == current && $0.state != .stopping }
      if serving.isEmpty {
        if mine.isEmpty || app.mayRunBeside(instance.process, current, mine.map(\.release)) {
          startAgain(instance, current)
        }
      } else if let only = replaceable(serving) {
        replaceOnly(only, current)
      } else {
        keepOne(of: serving)
      }
    }
  }

  /// The only run of an instance, if it must be replaced: its `relshim` is gone, or it does not answer at all.
  private mutating func replaceable(_ serving: [Board.Run]) -> Board.Run? {
    guard let run = serving.first, serving.count == 1 else { return nil }
    if run.isOrphan == true { return run }
    guard isDead(run) else { return nil }
    // If other instances are unready too, the fault is elsewhere, such as in a database. When that is over, they do not
    // all become ready at the same moment.
    let others = app.liveRuns.filter { $0.id != run.id && $0.release == app.current }
    guard others.allSatisfy({ $0.state == .ready }) else { return nil }
    let moment = ([run] + others).map(\.since).reduce(run.since, max) + Self.doubtPause
    if moment > surroundings.now {
      wake(at: moment)
      return nil
    }
    return run
  }

  private func isDead(_ run: Board.Run) -> Bool {
    run.state == .unready && run.cause?.id == ProblemID.notAlive.rawValue
  }

  /// Milliseconds in which other instances would fail the same check: a check's interval, and its tries.
  static let doubtPause: Int64 = 15_000

  private mutating func replaceOnly(_ run: Board.Run, _ current: ReleaseNumber) {
    if app.mayRunTwice(run.instance.process, current) {
      startAgain(run.instance, current)
    } else {
      stop([run])
    }
  }

  private var wantedInstances: [InstanceName] {
    app.isAtRest || app.current == nil
      ? [] : Board.App.instances(of: app.formation)
  }

  /// Whether a run of another release than the current one may be stopped now. One that served is stopped after its
  /// drain and observation, and not before another run serves in its place.
  private mutating func mayEnd(_ run: Board.Run, _ wanted: [InstanceName]) -> Bool {
    guard let replaced = run.replaced, run.state == .ready,
      app.mayRunTwice(run.instance.process, run.release)
    else { return true }
    // A stop of the app does not wait.
    if app.isAtRest { return true }
    let drained = replaced + drain(run, by: app.currentRelease)
    if drained > surroundings.now {
      wake(at: drained)
      return false
    }
    if standsBy(run) { return false }
    return !wanted.contains(run.instance)
      || app.runs.contains {
        $0.release == app.current && $0.instance == run.instance && $0.state == .ready
      }
  }

  /// Milliseconds for which a run finishes its requests when a release has taken over.
  func drain(_ run: Board.Run, by release: Board.Release?) -> Int64 {
    let drain = release?.rollout?.drain[run.instance.process] ?? 0
    return Int64(min(max(0, drain), 3_600_000))
  }

  /// Whether the run waits without traffic for the end of an observation.
  private func standsBy(_ run: Board.Run) -> Bool {
    guard let deployment = app.deployment, deployment.hasSwitched, deployment.isObserved != true,
      !deployment.isReverting, !surroundings.isMemoryShort
    else { return false }
    return run.release == deployment.former?.release && wayBack(of: deployment) != nil
      && app.currentRelease?.rollout?.hasStandby != false
  }

  /// Keeps one run of an instance, the newest ready one; an interrupted restart leaves two. One that must be replaced
  /// stays until its successor is ready. A run that was not ready in time is stopped.
  private mutating func keepOne(of serving: [Board.Run]) {
    let best = serving.last { $0.state == .ready && $0.isOrphan != true } ?? serving.last
    stop(
      serving.filter { run in
        let waits = (isDead(run) || run.isOrphan == true) && best?.state != .ready
        return run.id != best?.id && !waits || run.cause?.id == ProblemID.bootTimeout.rawValue
      })
  }

  private mutating func startAgain(_ instance: InstanceName, _ release: ReleaseNumber) {
    guard let crashes = app.crashes[instance] else { return start(instance, release) }
    if crashes.isAbandoned { return }
    // A full disk is not the instance's fault: it waits until there is space.
    if crashes.cause?.isOfFullDisk == true, !surroundings.hasSpace { return }
    if crashes.count >= Self.crashLimit, isHopeless { return abandon(instance, crashes) }
    let rest = crashes.pause - (surroundings.sinceCrash[instance] ?? 0)
    if rest <= 0 { start(instance, release) } else { wake(at: surroundings.now + rest) }
  }

  /// Whether the current release never was healthy and there is none to go back to.
  private var isHopeless: Bool {
    app.currentRelease?.isHealthy != true && app.previousRelease == nil
  }

  private mutating func abandon(_ instance: InstanceName, _ crashes: Board.Crashes) {
    guard let last = app.runs.last(where: { $0.instance == instance && $0.state == .crashed })
    else { return }
    let sentence = "\(instance) crashed \(crashes.count) times in a row and is left down"
    let reason = crashes.cause.map { ": " + $0.sentence } ?? ""
    actions.append(
      .abandon(
        last,
        Cause(
          .crashLoop, sentence + reason,
          remedy: "When it is repaired: relctl restart \(app.name), or deploy another release")))
  }

  /// Starts a run, unless so many boot already that they would slow each other down. When one of them is ready or has
  /// crashed, the app is planned again.
  mutating func start(_ instance: InstanceName, _ release: ReleaseNumber) {
    let booting = app.liveRuns.count { $0.state == .starting || $0.state == .booting }
    let starting = actions.count { if case .start = $0 { true } else { false } }
    if booting + starting < surroundings.mostBoots { actions.append(.start(instance, release)) }
  }

  mutating func stop(_ runs: [Board.Run]) {
    for run in runs where run.state.isLive && run.state != .stopping {
      if !actions.contains(.stop(run)) { actions.append(.stop(run)) }
    }
  }
}
