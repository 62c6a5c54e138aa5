import Events
import HomeLayout
import Operations

/// What a helper program does for a preview, as far as the agent knows.
public enum PreviewTask: Equatable, Sendable {
  case running
  /// It has ended: what it has removed, or why it failed.
  case ended(Result<[String], Cause>)
  /// It failed, and is tried again then.
  /// - Parameter after: the number of the last event then; a request that is newer is not kept waiting.
  case resting(until: Timestamp, after: UInt64)
}

// The way of a preview: its preparation, its script after the first deployment, and its end.
extension AppReconciler {
  /// Milliseconds that a script of app.json may take.
  static let scriptLimit: Int64 = 600_000
  /// The same for the one before a preview is closed, which must not keep it from being closed.
  static let predestroyLimit: Int64 = 120_000

  private var postdeploy: InstanceName { InstanceName(ProcessType.postdeploy, 1) }
  private var predestroy: InstanceName { InstanceName(ProcessType.predestroy, 1) }

  /// Has the add-ons provided and the config vars made.
  mutating func prepare(_ slug: String, for request: Board.Request) {
    switch surroundings.previewTask(request.id) {
    case .running: return
    case .ended(.failure(let cause)): actions.append(.fail(request, cause))
    case .ended(.success): actions.append(.makePreviewConfig(slug, for: request))
    case .resting, nil: actions.append(.providePreview(slug, for: request))
    }
  }

  /// Runs the script `postdeploy`, once.
  mutating func runPostdeploy(for request: Board.Request) {
    guard let current = app.current else { return }
    let run = app.runs.last { $0.instance == postdeploy && $0.id > request.accepted }
    keep(busy: [postdeploy])
    switch run?.state {
    case nil:
      if has(ProcessType.postdeploy, current) {
        actions.append(.start(postdeploy, current))
      } else {
        actions.append(.openPreview(request))
      }
    case .stopped where run?.exit ?? 0 == 0 && run?.signal == nil:
      actions.append(.openPreview(request))
    case .crashed, .stopped:
      actions.append(
        .fail(request, run?.cause ?? Cause(.previewScript, "the script postdeploy failed")))
    default:
      if let run, endLate(run, Self.scriptLimit) {
        actions.append(
          .fail(
            request,
            Cause(
              .previewScript,
              "the script postdeploy was ended after \(Self.scriptLimit / 60_000) minutes",
              remedy: "Read its output: relctl logs \(app.name)/\(postdeploy)")))
      }
    }
  }

  /// Ends a script that has had its time.
  /// - Returns: whether it had.
  private mutating func endLate(_ run: Board.Run, _ limit: Int64) -> Bool {
    if run.state == .stopping { return true }
    let end = run.started + limit
    if end >= surroundings.now {
      wake(at: end + 1)
      return false
    }
    stop([run])
    return true
  }

  private func has(_ script: String, _ release: ReleaseNumber) -> Bool {
    guard case .success(let processes) = surroundings.processes(release) else { return false }
    return processes.contains(script)
  }

  /// Closes the preview, whatever fails on the way: its script, its runs, its route, then all that belongs to it.
  mutating func close() {
    for request in surroundings.requests { take(whileClosing: request) }
    if !actions.isEmpty { return }
    if let deployment = app.deployment {
      let cause = Refusal.previewClosing(app.name).cause
      return actions.append(.failDeployment(deployment.release, cause))
    }
    if let current = app.current, has(ProcessType.predestroy, current) {
      let run = app.runs.last { $0.instance == predestroy }
      if run?.state.isLive ?? true {
        keep(busy: [predestroy])
        // However many instances boot: the script must not wait for them.
        if let run {
          _ = endLate(run, Self.predestroyLimit)
        } else {
          actions.append(.start(predestroy, current))
        }
        return
      }
    }
    stop(app.liveRuns)
    // A router that cannot read what it is told must not keep a preview.
    let isRouteGone = !surroundings.isRouterBusy || surroundings.routerFault != nil
    if app.liveRuns.isEmpty, isRouteGone { removeAll() }
  }

  /// An opening waits until the preview is gone; anything else has come too late.
  private mutating func take(whileClosing request: Board.Request) {
    let cause: Cause?
    if isOf(request, ClosePreview.self) {
      if !request.isAccepted { actions.append(.consider(request)) }
      return
    } else if isOf(request, OpenPreview.self), !request.isAccepted {
      cause = app.preview?.leftover ?? expiry(of: request)
    } else {
      cause = precedence(over: request)?.cause ?? Refusal.previewClosing(app.name).cause
    }
    if let cause { actions.append(.fail(request, cause)) }
  }

  private mutating func removeAll() {
    let closing = surroundings.requests.first { isOf($0, ClosePreview.self) && $0.isAccepted }
    switch surroundings.previewTask(PreviewHelpers.removal) {
    case .running: return
    case .resting(let moment, let after)
    where moment > surroundings.now && closing?.sequence ?? 0 <= after:
      wake(at: moment)
    case .resting, nil: actions.append(.removePreview)
    case .ended(.success(let removed)): actions.append(.recordClosed(removed))
    case .ended(.failure(let cause)):
      actions.append(.restPreview)
      if let closing { actions.append(.fail(closing, cause)) }
    }
  }

  private func isOf(_ request: Board.Request, _ type: any Operation.Type) -> Bool {
    request.type == type.type
  }
}
