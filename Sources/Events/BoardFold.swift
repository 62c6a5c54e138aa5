import HomeLayout

extension Board {
  /// Folds in one event. An event of an unknown type, or without a field that its type requires,
  /// changes only the sequence number and the time.
  public mutating func apply(_ event: Event) {
    sequence = event.sequence
    time = max(time, event.time)
    guard let type = event.type else { return }
    switch type {
    case .agentStarted: agent = Agent(pid: event.data.pid, since: event.time)
    case .agentStopped: agent = nil
    case .buildStarted, .buildStep, .buildFinished, .buildFailed: applyBuild(type, event)
    case .certificateFailed:
      let index = certificates?.firstIndex { $0.name == event.data.domain }
      guard let index else { return }
      certificates?[index].failure = event.data.cause
      certificates?[index].tried = event.time
    case .requestAccepted, .requestFinished, .requestFailed, .requestRejected:
      applyOutcome(type, event)
    case .routerRequested, .certificatesRequested:
      requests.append(
        Request(id: event.id, sequence: event.sequence, type: type, app: "", data: event.data))
    default:
      guard let name = event.app, AppName.isValid(name) else { return }
      if type.isRequest {
        requests.append(
          Request(
            id: event.id, sequence: event.sequence, type: type, app: name, data: event.data))
      } else {
        if type == .previewClosed {
          if apps[name]?.preview != nil { apps[name] = nil }
          return
        }
        // Changed in place: a copy would copy the ledger and the runs with every event.
        guard apps[name]?.apply(type, event) == nil else { return }
        var app = App(name: name, changed: event.time)
        if app.apply(type, event) { apps[name] = app }
      }
    }
  }

  private mutating func applyBuild(_ type: EventType, _ event: Event) {
    guard let id = event.data.build else { return }
    switch type {
    case .buildStarted: builds[id] = Build(app: event.app, step: nil, since: event.time)
    case .buildStep: builds[id]?.step = event.data.step
    default: builds[id] = nil
    }
  }

  private mutating func applyOutcome(_ type: EventType, _ event: Event) {
    guard let index = requests.firstIndex(where: { $0.id == event.data.request }) else { return }
    guard type == .requestAccepted else {
      let request = requests.remove(at: index)
      if type == .requestFinished { apps[request.app]?.finish(request) }
      if type == .requestFailed, request.type == .previewCloseRequested {
        apps[request.app]?.preview?.leftover = event.data.cause
      }
      return
    }
    requests[index].accepted = event.sequence
    let request = requests[index]
    switch request.type {
    case .routerRequested:
      var settings = router ?? RouterSettings()
      settings.apply(action: request.data.action, request.data.settings ?? [:])
      router = settings == RouterSettings() ? nil : settings
    case .certificatesRequested: takeCertificate(request.data, at: event.time)
    case .previewOpenRequested:
      // The preview is there from now on, so that it is known what must be removed one day.
      if apps[request.app] == nil {
        apps[request.app] = App(name: request.app, changed: event.time)
      }
      apps[request.app]?.open(request, at: event.time)
    default: apps[request.app]?.begin(request, event)
    }
  }
}

extension Board {
  fileprivate mutating func takeCertificate(_ data: EventData, at moment: Timestamp) {
    guard var new = Certificate(name: data.domain, data.settings ?? [:]) else { return }
    var all = (certificates ?? []).filter { $0.name != new.name }
    new.since = moment
    if data.action != "rm" { all.append(new) }
    certificates = all.isEmpty ? nil : all.sorted { $0.name < $1.name }
  }
}

extension Board.App {
  /// What accepting a request changes at once, before any run changes.
  fileprivate mutating func begin(_ request: Board.Request, _ event: Event) {
    switch request.type {
    case .scaleRequested:
      formation.merge(request.data.formation ?? [:]) { $1 }
      (isStopped, asleep) = (false, nil)
    case .stopRequested: (isStopped, asleep) = (true, nil)
    case .limitsRequested: take(request.data.limits ?? [:])
    case .maintenanceRequested:
      let message = request.data.message ?? Board.App.maintenanceMessage
      maintenance = request.data.action == "on" ? message : nil
    case .domainsRequested: take(request.data.domain.flatMap { Domain($0) }, request.data.action)
    case .routeRequested:
      var options = routing ?? RouteOptions()
      options.apply(request.data.settings ?? [:])
      routing = options == RouteOptions() ? nil : options
      if sleepsAfter == nil { asleep = nil }
    case .previewsRequested: take(request.data.settings ?? [:])
    case .previewConfigRequested: previewConfig = request.data.config
    case .previewRenewRequested: renew(request.data.lease ?? 0, at: event.time)
    case .previewCloseRequested: preview?.close(at: event.time)
    case .restartRequested:
      (isStopped, asleep) = (false, nil)
      // A restart resets the count of crashes.
      crashes = crashes.filter { instance, _ in
        request.data.instance.map { $0 != instance } ?? false
      }
    default: return
    }
    changed = event.time
  }

  private mutating func take(_ domain: Domain?, _ action: String?) {
    guard let domain else { return }
    var domains = (domains ?? []).filter { $0 != domain }
    if action != "rm" { domains.append(domain) }
    self.domains = domains.isEmpty ? nil : domains.sorted()
  }

  private mutating func take(_ changes: [String: Int]) {
    var new = limits ?? Limits()
    for (word, value) in changes {
      if let name = Limits.Name(rawValue: word) { new.apply([name: value]) }
    }
    limits = new == Limits() ? nil : new
  }

  /// A deployment ends with its request, even if the line that ended the deployment was lost.
  fileprivate mutating func finish(_ request: Board.Request) {
    guard deployment?.request == request.id else { return }
    endDeployment()
  }

  /// - Returns: false if the event lacks what the app needs; then nothing was changed.
  fileprivate mutating func apply(_ type: EventType, _ event: Event) -> Bool {
    let isUseful = change(type, event)
    if isUseful { changed = event.time }
    return isUseful
  }

  private mutating func change(_ type: EventType, _ event: Event) -> Bool {
    switch type {
    case .releaseCreated: return appendRelease(event)
    case .deploymentStarted, .deploymentStep, .deploymentFinished, .deploymentFailed,
      .deploymentReverted:
      return applyDeployment(type, event)
    case .instanceStarting: return appendRun(event)
    case .instanceBooting, .instanceReady, .instanceUnready, .instanceCrashed,
      .instanceAbandoned, .instanceOrphaned, .instanceStopping, .instanceStopped:
      return applyRun(type, event)
    case .clusterSplit:
      guard let cause = event.data.cause else { return false }
      split = cause
      return true
    case .appSlept:
      asleep = event.time
      return true
    case .appWoke:
      // Crashes of before say nothing of the boot that its clients wait for.
      (asleep, crashes) = (nil, [:])
      return true
    case .clusterJoined:
      split = nil
      return true
    case .configChanged:
      guard let config = event.data.config else { return false }
      self.config = config
      if let request = event.data.request, preview != nil {
        preview?.prepared = request
        preview?.base = event.data.base
      }
      return true
    case .previewOpened:
      preview?.open(at: event.time)
      return preview != nil
    default: return false
    }
  }

  private mutating func appendRelease(_ event: Event) -> Bool {
    let data = event.data
    guard let number = data.release, let slug = data.slug, let config = data.config,
      release(number) == nil
    else { return false }
    var release = Board.Release(
      number: number, slug: slug, config: config, time: event.time, by: data.by,
      from: data.from, origin: data.origin, commit: data.commit, line: data.line, set: data.set,
      unset: data.unset,
      request: data.request)
    // Older versions did not observe a release.
    release.hasPassed = data.observe == nil ? nil : false
    release.rollout = Board.Rollout(
      observe: data.observe ?? 0, exclusive: data.exclusive ?? [],
      hasStandby: data.standby ?? true, batch: data.batch.map(Self.batch(within:)),
      isClustered: data.cluster ?? true,
      drain: data.drain ?? [:])
    releases.append(release)
    return true
  }

  private mutating func applyDeployment(_ type: EventType, _ event: Event) -> Bool {
    guard let number = event.data.release else { return false }
    if type == .deploymentStarted {
      begin(number, event)
      return true
    }
    guard deployment?.release == number else { return false }
    switch type {
    case .deploymentStep:
      deployment?.step = event.data.step
      take(event.data.step.flatMap(Board.Deployment.Step.init(rawValue:)), event)
    case .deploymentFailed: fail(number, event)
    case .deploymentFinished:
      change(number) { $0.hasPassed = $0.hasPassed ?? true }
      endDeployment()
    default: endDeployment()
    }
    return true
  }

  private mutating func begin(_ number: ReleaseNumber, _ event: Event) {
    let release = release(number)
    deployment = Board.Deployment(
      release: number, request: event.data.request, since: event.time,
      formation: event.data.formation ?? formation,
      isConfigChange: release?.set != nil || release?.unset != nil,
      former: current.map {
        Board.Former(release: $0, formation: formation, config: config, isStopped: isStopped)
      })
    deployment?.batch = event.data.batch.map(Self.batch(within:))
    failure = nil
  }

  private mutating func take(_ step: Board.Deployment.Step?, _ event: Event) {
    switch step {
    case .switchOver: switchOver(at: event.time)
    case .passed:
      deployment?.isObserved = true
      change(current) { $0.hasPassed = true }
    case .cutShort:
      deployment?.isObserved = true
      change(current) { $0.hasPassed = false }
    case .revert: beginToRevert(event)
    case nil: return
    }
  }

  private mutating func switchOver(at moment: Timestamp) {
    guard let deployment else { return }
    if release(deployment.release)?.from != nil { change(current) { $0.wasLeft = true } }
    proveCurrent(at: moment)
    self.deployment?.switched = moment
    current = deployment.release
    asleep = nil
    change(current) { $0.wasCurrent = true }
    config = currentRelease?.config ?? config
    formation = deployment.formation
    isStopped = isStopped && deployment.isConfigChange
    noteReplaced(at: moment)
  }

  /// A release whose observation was cut short is healthy if one of its runs has been ready for long enough since.
  private mutating func proveCurrent(at moment: Timestamp) {
    let observation = currentRelease?.rollout?.observe ?? 0
    let isProven = runs.contains {
      $0.release == current && $0.state == .ready
        && moment - $0.since > Board.stableMilliseconds + observation
    }
    if isProven { change(current) { $0.hasPassed = true } }
  }

  /// Returns to what was before; the runs follow.
  private mutating func beginToRevert(_ event: Event) {
    guard let deployment, let former = deployment.former, let cause = event.data.cause else {
      return
    }
    self.deployment?.cause = cause
    noteFailure(of: deployment.release, cause, event)
    change(deployment.release) { ($0.wasLeft, $0.hasPassed) = (true, false) }
    (current, formation) = (former.release, former.formation)
    (config, isStopped) = (former.config, former.isStopped)
    noteReplaced(at: event.time)
  }

  private mutating func noteReplaced(at moment: Timestamp) {
    crashes = [:]
    for index in runs.indices {
      runs[index].replaced = runs[index].release == current ? nil : moment
    }
  }

  private mutating func fail(_ number: ReleaseNumber, _ event: Event) {
    if let cause = event.data.cause { noteFailure(of: number, cause, event) }
    change(number) { $0.hasPassed = false }
    if deployment?.batch != nil {
      // Those that have taken the place of old runs serve until others do.
      for index in runs.indices where runs[index].release == number {
        runs[index].replaced = event.time
      }
    }
    endDeployment()
  }

  /// The log may hold any number.
  private static func batch(within number: Int) -> Int { min(max(1, number), mostInstances) }

  private mutating func noteFailure(of number: ReleaseNumber, _ cause: Cause, _ event: Event) {
    change(number) { $0.failure = cause }
    failure = Board.Failure(release: number, cause: cause, time: event.time)
  }

  private mutating func endDeployment() {
    deployment = nil
    forgetEndedRuns()
  }

  private mutating func change(_ number: ReleaseNumber?, _ change: (inout Board.Release) -> Void) {
    if let index = releases.lastIndex(where: { $0.number == number }) { change(&releases[index]) }
  }

  private mutating func appendRun(_ event: Event) -> Bool {
    guard let instance = event.data.instance, let number = event.data.release else {
      return false
    }
    runs.append(
      Board.Run(
        id: event.sequence, instance: instance, release: number, state: .starting,
        since: event.time, port: event.data.port,
        node: event.data.node
          ?? RunNodeName.of(app: name, instance: instance, run: event.sequence)))
    if instance.process == ProcessType.release { change(number) { $0.ranPhase = true } }
    forgetEndedRuns()
    return true
  }

  private mutating func applyRun(_ type: EventType, _ event: Event) -> Bool {
    guard let id = event.data.run, let index = runs.firstIndex(where: { $0.id == id }) else {
      return false
    }
    if let pid = event.data.pid { runs[index].pid = pid }
    runs[index].exit = event.data.exit
    runs[index].signal = event.data.signal
    switch type {
    case .instanceOrphaned:
      runs[index].isOrphan = true
      return true
    case .instanceBooting: runs[index].state = .booting
    case .instanceReady:
      runs[index].state = .ready
      runs[index].wasReady = true
      runs[index].cause = nil
      noteBoot(of: runs[index], event)
    case .instanceUnready:
      runs[index].state = .unready
      runs[index].cause = event.data.cause
    case .instanceStopping: runs[index].state = .stopping
    case .instanceStopped: runs[index].state = .stopped
    case .instanceCrashed:
      noteCrash(of: runs[index], event)
      runs[index].state = .crashed
      runs[index].cause = event.data.cause
    default:
      crashes[runs[index].instance]?.isAbandoned = true
      crashes[runs[index].instance]?.cause = event.data.cause
    }
    runs[index].since = event.time
    return true
  }

  /// Only the newest two booted releases keep their times, so that the ledger stays small.
  private mutating func noteBoot(of run: Board.Run, _ event: Event) {
    guard let boot = event.data.boot,
      let index = releases.lastIndex(where: { $0.number == run.release })
    else { return }
    var boots = releases[index].boots ?? []
    boots.removeAll { $0.run == run.id }
    boots.append(Board.Boot(run: run.id, milliseconds: boot, phases: event.data.phases))
    releases[index].boots = boots.suffix(2)
    let kept = releases.indices.filter { releases[$0].boots != nil }.suffix(2)
    for other in releases.indices where !kept.contains(other) && releases[other].boots != nil {
      releases[other].boots = nil
    }
  }

  /// A run that was ready for a minute resets the count of crashes.
  private mutating func noteCrash(of run: Board.Run, _ event: Event) {
    guard run.release == current else { return }
    proveCurrent(at: event.time)
    let wasStable = run.state == .ready && event.time - run.since > Board.stableMilliseconds
    let count = wasStable ? 0 : crashes[run.instance]?.count ?? 0
    crashes[run.instance] = Board.Crashes(
      count: count + 1, last: event.time, cause: event.data.cause)
  }

  /// Keeps the last ended run of each instance, and all runs of an unfinished deployment, because
  /// its outcome depends on them.
  private mutating func forgetEndedRuns() {
    var seen: Set<InstanceName> = []
    var forgotten = RangeSet<Int>()
    for index in runs.indices.reversed() {
      if runs[index].state.isLive || runs[index].release == deployment?.release { continue }
      if !seen.insert(runs[index].instance).inserted {
        forgotten.insert(contentsOf: index..<index + 1)
      }
    }
    if !forgotten.isEmpty { runs.removeSubranges(forgotten) }
  }
}

extension Board {
  /// How long a run must stay ready for earlier crashes to be forgotten.
  public static let stableMilliseconds: Int64 = 60_000
}

extension Board.Deployment {
  /// The steps of a deployment that change the board, by their words in the log.
  public enum Step: String, Sendable {
    /// The release becomes current.
    case switchOver = "switch"
    /// The release has passed its observation.
    case passed = "observed"
    /// The observation ends before its time.
    case cutShort = "observation cut short"
    /// The former release is brought back.
    case revert = "revert"
  }
}
