import ConfigStore
import Events
import HomeLayout
import Operations
import Posix
import Redaction

// Performs what the reconciler of an app plans.
extension Agent {
  func perform(_ action: AppAction, _ app: Board.App) throws(Cause) {
    switch action {
    case .consider(let request): try consider(request)
    case .createRelease(let new, let request): try createRelease(new, for: request, app)
    case .keepConfig(let digest, let request):
      try record(.configChanged, app: app.name) {
        ($0.config, $0.request, $0.by) = (digest, request.id, request.data.by)
        ($0.set, $0.unset) = (request.data.set, request.data.unset)
      }
    case .beginDeployment(let number, let request): try begin(number, request, app)
    case .step(let number, let step):
      try record(.deploymentStep, app: app.name) { ($0.release, $0.step) = (number, step.rawValue) }
    case .startReleasePhase(let number):
      try record(.deploymentStep, app: app.name) {
        ($0.release, $0.step) = (number, "release phase")
      }
      try start(InstanceName(ProcessType.release, 1), number, app)
    case .finishDeployment(let number):
      let since = app.deployment?.since ?? board.time
      let served = app.deployment?.switched ?? board.time
      try record(.deploymentFinished, app: app.name) {
        ($0.release, $0.milliseconds) = (number, served.elapsed(since: since))
      }
    case .failDeployment(let number, let cause):
      try record(.deploymentFailed, app: app.name) { ($0.release, $0.cause) = (number, cause) }
    case .beginToRevert(let number, let cause):
      try record(.deploymentStep, app: app.name) {
        ($0.release, $0.cause) = (number, cause)
        $0.step = Board.Deployment.Step.revert.rawValue
      }
    case .revertDeployment(let number, let cause):
      try record(.deploymentReverted, app: app.name) {
        ($0.release, $0.from, $0.cause) = (number, app.current, cause)
        $0.since = app.deployment?.switched
      }
    case .finish(let request):
      let release = app.releases.last { $0.request == request.id }?.number
      try record(.requestFinished, app: app.name) {
        ($0.request, $0.release) = (request.id, release)
      }
    case .providePreview(let slug, let request): try provide(slug, for: request, app)
    case .makePreviewConfig(let slug, let request): try makeConfig(of: slug, for: request, app)
    case .openPreview(let request): try recordOpened(request, app)
    case .removePreview: try removePreview(app)
    case .restPreview: rest(app)
    case .recordClosed(let removed): try recordClosed(removed, app)
    case .fail(let request, let cause):
      try record(.requestFailed, app: app.name) { ($0.request, $0.cause) = (request.id, cause) }
    case .start(let instance, let number): try start(instance, number, app)
    case .stop(let run):
      try record(.instanceStopping, app: app.name) {
        ($0.instance, $0.run) = (run.instance, run.id)
      }
    case .abandon(let run, let cause):
      try record(.instanceAbandoned, app: app.name) {
        ($0.instance, $0.run, $0.cause) = (run.instance, run.id, cause)
      }
    }
  }

  private func consider(_ request: Board.Request) throws(Cause) {
    // The requesting program may not have synced the request yet; its consequences must not be more
    // durable than the request.
    try journal.makeDurable()
    let refusal: Cause?
    do throws(Cause) {
      try Admission(home: home, board: board, operations: operations).check(
        request, now: Timestamp(milliseconds: Clock.now())
      ) {
        slug throws(Cause) in try manifests.store.manifest(slug)
      }
      refusal = nil
    } catch { refusal = error }
    let type: EventType = refusal == nil ? .requestAccepted : .requestRejected
    try record(type, app: request.app) { ($0.request, $0.cause) = (request.id, refusal) }
  }

  private func start(_ instance: InstanceName, _ number: ReleaseNumber, _ app: Board.App)
    throws(Cause)
  {
    let port = try freePort()
    try record(.instanceStarting, app: app.name) {
      ($0.instance, $0.release, $0.port) = (instance, number, port)
      $0.node = RunNodeName.of(app: app.name, instance: instance, secret: Random.hex(8))
    }
  }

  private func createRelease(_ new: NewRelease, for request: Board.Request, _ app: Board.App)
    throws(Cause)
  {
    reserve.giveIfLow()
    var data = EventData()
    (data.request, data.by, data.release) = (request.id, request.data.by, app.nextRelease)
    (data.slug, data.from, data.set, data.unset) = (new.slug, new.from, new.set, new.unset)
    data.origin = new.origin
    try setConfig(new, app, in: &data)
    let provenance = new.config == nil ? manifests.store.provenance(new.slug) : nil
    data.commit = new.commit ?? provenance?.commit
    data.line = new.line ?? provenance?.line
    var rollout = try manifests.manifest(new.slug).fit(for: app).appJSON.rollout
    // What is tried out need not be watched before it counts.
    if app.preview != nil { (rollout.observe, rollout.drain) = (0, [:]) }
    rollout.describe(in: &data)
    let filled = data
    try record(.releaseCreated, app: app.name) { $0 = filled }
  }

  private func setConfig(_ new: NewRelease, _ app: Board.App, in data: inout EventData)
    throws(Cause)
  {
    guard let config = new.config else {
      data.config = try self.config(for: new.slug, app)
      return
    }
    data.config = config
    guard new.keepsSecrets, let present = app.currentRelease?.config, present != config else {
      return
    }
    let sets = ConfigSets(home: home, app: app.name)
    let (set, kept) = try sets.load(config).keepingSecrets(of: try sets.load(present))
    if kept.isEmpty { return }
    (data.config, data.kept) = (try sets.save(set), kept)
  }

  /// The app's config vars, with the defaults of app.json.
  private func config(for slug: String, _ app: Board.App) throws(Cause) -> String {
    let configs = ConfigSets(home: home, app: app.name)
    var set = try app.config.map { digest throws(Cause) in try configs.load(digest) } ?? ConfigSet()
    set.values = try manifests.manifest(slug).fit(for: app).withDefaults(set.values) {
      Random.hex(32)
    }
    return try configs.save(set)
  }

  private func begin(_ number: ReleaseNumber, _ request: Board.Request, _ app: Board.App)
    throws(Cause)
  {
    let formation = try manifest(of: number, app).formation(for: app)
    let rollout = app.release(number)?.rollout ?? Board.Rollout()
    let batch = BatchSize.of(app, rollout, formation: formation, home: home)
    try record(.deploymentStarted, app: app.name) {
      ($0.release, $0.from, $0.request) = (number, app.current, request.id)
      ($0.formation, $0.batch, $0.by) = (formation, batch?.count, request.data.by)
    }
  }

  /// The ports for runs. They are chosen at random, so that two homes on one host rarely choose the same one.
  private static let ports: ClosedRange<UInt16> = 20_000...29_999

  private func freePort() throws(Cause) -> UInt16 {
    let taken = Set(board.apps.values.flatMap { $0.liveRuns.compactMap(\.port) })
    for _ in 0..<1000 {
      let port = UInt16.random(in: Self.ports)
      if !taken.contains(port), Loopback.isFree(port) { return port }
    }
    throw Cause(
      .portUnavailable,
      "no free port was found from \(Self.ports.lowerBound) to \(Self.ports.upperBound)")
  }
}
