import Events
import Router

/// Which runs of an app take requests: a pure function of the app.
enum RouteReconciler {
  /// - Parameters:
  ///   - app: with all its domains.
  ///   - isChanging: whether a request is being carried out.
  ///   - check: that of the current release.
  static func route(
    of app: Board.App, isChanging: Bool, check: RouterConfig.Check?
  ) -> AppRoute {
    let targets = plan(app)
    var route = AppRoute(
      targets, notice: app.maintenance, domains: app.domains ?? [],
      options: app.routing ?? RouteOptions(),
      hold: hold(app, isServed: targets.contains(where: \.isOpen), isChanging), check: check)
    // It is the agent's business, and its change no reason to read a configuration.
    route.options[.sleep] = nil
    if app.preview != nil { (route.localHost, route.isHidden) = (app.localHost, true) }
    return route
  }

  /// Requests wait for an app that sleeps. Of an exclusive process type the next run starts when the last one has ended. Requests wait for it.
  private static func hold(
    _ app: Board.App, isServed: Bool, _ isChanging: Bool
  ) -> RouterConfig.Hold {
    let releases = [app.currentRelease, app.release(app.deployment?.release)]
    let isExclusive = releases.contains {
      $0?.rollout?.exclusive.contains(ProcessType.web) == true
    }
    if app.asleep != nil, !isServed { return .asleep }
    if !isExclusive, app.sleepsAfter == nil { return .never }
    let isExpected =
      (isChanging || app.deployment != nil || app.isWaking) && !app.isStopped
      && app.preview?.isClosing != true
      && app.formation[ProcessType.web] ?? 0 > 0
    return isExpected && !isServed ? .now : .ready
  }

  /// - Returns: the runs that take requests, and those that may still have some.
  static func plan(_ app: Board.App) -> [RouteTarget] {
    let runs = app.liveRuns.filter { $0.instance.process == ProcessType.web && $0.port != nil }
    let open = Set(open(runs, app).map(\.id))
    return runs.compactMap { run in
      guard let port = run.port, open.contains(run.id) || run.wasReady == true else { return nil }
      return RouteTarget(run: run.id, port: port, isOpen: open.contains(run.id))
    }
  }

  /// The ready runs of the release that serves; without any, those of others; and if all fail their checks, those that
  /// were ready once.
  private static func open(_ runs: [Board.Run], _ app: Board.App) -> [Board.Run] {
    let ready = runs.filter { $0.state == .ready }
    let serving = ready.filter { serves($0, app) }
    if !serving.isEmpty { return serving }
    if !ready.isEmpty { return ready }
    return runs.filter { $0.state == .unready && $0.wasReady == true }
  }

  private static func serves(_ run: Board.Run, _ app: Board.App) -> Bool {
    if let deployment = app.deployment, deployment.batch != nil, !deployment.isReverting {
      // In batches the new runs serve beside the old ones, each in its turn.
      return run.replaced == nil
    }
    return run.release == app.current && run.replaced == nil
  }

  /// Milliseconds for which a run may finish its requests before it is asked to end, if its app.json says nothing.
  static let drain: Int64 = 30_000
}
