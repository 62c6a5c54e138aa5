import Events
import HomeLayout

/// The log as far as it was read, and what it alone shows to be wrong.
struct LogAccount {
  private(set) var board = Board()
  private(set) var owed: [String: OwedService] = [:]
  /// The ids of all events, the first event first.
  private(set) var ids: [String] = []
  /// By app: the release that its last deployment replaces.
  private var replaced: [String: ReleaseNumber] = [:]
  private var ended: Set<UInt64> = []
  private var phases: Set<String> = []
  /// Releases of which a run crashed in the observation, though there was an older one to go back to.
  private var crashed: Set<String> = []
  /// Requests that were finished, by words such as `deploy alpha`.
  private(set) var finished: [String: Int] = [:]

  /// Takes in the next event.
  mutating func take(_ event: Event, _ violations: Violations) {
    if event.sequence != board.sequence + 1 {
      violations.note(.oneLog, "event \(event.sequence) follows \(board.sequence)")
    }
    checkRequest(event, violations)
    checkRun(event, violations)
    checkRelease(event, violations)
    checkObservation(event, violations)
    ids.append(event.id)
    if event.type == .deploymentStarted, let app = event.app { replaced[app] = event.data.from }
    board.apply(event)
    if event.type == .previewClosed, let name = event.app { forget(name) }
    if let name = event.app, let app = board.apps[name] {
      owed[name, default: OwedService()].take(event, app)
    }
  }

  /// A preview that is opened again begins with its first release.
  private mutating func forget(_ app: String) {
    (owed[app], replaced[app]) = (nil, nil)
    phases = phases.filter { !$0.hasPrefix(app + " ") }
    crashed = crashed.filter { !$0.hasPrefix(app + " ") }
  }

  mutating func kill(_ run: UInt64, of app: String) {
    owed[app, default: OwedService()].kill(run)
  }

  func isOwed(_ app: Board.App) -> Bool { owed[app.name]?.isOwed(by: app) == true }

  /// Whether the run may answer: of the current release, or while a deployment runs of one of its two releases.
  func mayServe(_ run: Board.Run, of name: String) -> Bool {
    guard let app = board.apps[name] else { return false }
    if run.release == app.current || app.run(run.id)?.state == .stopping { return true }
    guard let deployment = app.deployment else { return false }
    return [deployment.release, replaced[name]].contains(run.release)
  }

  private mutating func checkRequest(_ event: Event, _ violations: Violations) {
    guard
      [.requestAccepted, .requestFinished, .requestFailed, .requestRejected].contains(event.type)
    else { return }
    let request = board.requests.first { $0.id == event.data.request }
    if event.type == .requestFinished, let request {
      let verb = request.type.rawValue.split(separator: ".")[0]
      finished["\(verb) \(request.app)", default: 0] += 1
    }
    if request == nil || event.type == .requestAccepted && request?.isAccepted == true {
      violations.note(
        .oneOutcome, "event \(event.sequence), \(event.typeName), is about no open request")
    }
  }

  private mutating func checkRun(_ event: Event, _ violations: Violations) {
    guard let app = event.app, let instance = event.data.instance else { return }
    let what = "event \(event.sequence), \(event.typeName) of \(app)/\(instance),"
    switch event.type {
    case .instanceStarting:
      let living = board.apps[app]?.liveRuns.first { $0.instance == instance }
      if let living, instance.process != "web" {
        violations.note(.oneOutcome, "\(what) while run \(living.id) is \(living.state)")
      }
      if instance.process == "release", let release = event.data.release,
        !phases.insert("\(app) \(release)").inserted
      {
        violations.note(.oneOutcome, "\(what) is the second release phase of \(release)")
      }
    case .instanceStopped, .instanceCrashed:
      if let run = event.data.run, !ended.insert(run).inserted {
        violations.note(.oneOutcome, "\(what) is the second end of run \(run)")
      }
    default: break
    }
  }

  private mutating func checkObservation(_ event: Event, _ violations: Violations) {
    guard let name = event.app, let app = board.apps[name], let deployment = app.deployment,
      deployment.hasSwitched, !deployment.isReverting
    else { return }
    let what = "\(name) \(deployment.release)"
    if event.type == .instanceCrashed, deployment.isObserved != true, deployment.former != nil,
      app.run(event.data.run ?? 0)?.release == deployment.release,
      app.release(deployment.release)?.from == nil
    {
      crashed.insert(what)
    }
    if event.type == .deploymentFinished, crashed.contains(what) {
      violations.note(.oneRelease, "\(what) stays current, though it crashed in its observation")
    }
  }

  private func checkRelease(_ event: Event, _ violations: Violations) {
    guard let name = event.app, let release = event.data.release else { return }
    let app = board.apps[name]
    let what = "event \(event.sequence), \(event.typeName) of \(name) \(release),"
    switch event.type {
    case .releaseCreated where release.value != (app?.releases.count ?? 0) + 1:
      violations.note(.oneRelease, "\(what) is not the next number")
    case .deploymentStarted where app?.deployment != nil:
      violations.note(.oneRelease, "\(what) during another deployment")
    case .deploymentStep where event.data.step == Board.Deployment.Step.switchOver.rawValue:
      if app?.deployment?.release != release || app?.deployment?.hasSwitched == true {
        violations.note(.oneRelease, "\(what) is a switch that no deployment waits for")
      }
    default: return
    }
  }
}
