import Events
import HomeLayout
import Instance
import JSONText
import Posix
import Router

/// What the agent knows of the router.
struct WatchedRouter {
  enum Phase: Equatable {
    /// This agent has not needed it yet, or it has ended.
    case idle
    /// A configuration waits to be read, in place of that of HAProxy number `former`.
    case waiting(former: Int?, since: Int64)
    /// The HAProxy with this number has read the configuration.
    case serving(Int)
  }
  var phase = Phase.idle
  /// What the file says.
  var config = RouterConfig()
  /// What the configuration was made from.
  var routes: [String: AppRoute] = [:]
  var settings = RouterSettings()
  var certificates: [Certificate] = []
  /// What HAProxy asks the instances of a slug.
  var checks: [String: RouterConfig.Check?] = [:]
  /// Since when HAProxy holds requests.
  var heldSince: Int64?
  /// Whether HAProxy does what the configuration says.
  var isSynced = true
  /// Why the last configuration could not be used.
  var fault: Cause?
  /// Whether the operator was told that HAProxy is not installed.
  var wasMissed = false
  /// A descriptor that is readable when the router's parent has ended.
  var end: File?

  /// Whether another configuration is put off because requests are held.
  var isPutOff = false

  var isWaiting: Bool {
    if case .waiting = phase { return true }
    return false
  }

  /// Whether HAProxy has still to read what the board says.
  var isBusy: Bool { isWaiting || isPutOff }
}

// Keeps the router as the board wants it.
extension Agent {
  /// Milliseconds between two looks at a router that starts, and in which it must start.
  private static let routerPause: Int64 = 20
  private static let routerLimit: Int64 = 10_000
  /// Milliseconds in which its parent must have taken the lock.
  private static let routerStart: Int64 = 1000

  /// Makes the router send requests to the runs that are to get them. Without HAProxy each run is reached on its own
  /// port.
  func route() throws(Cause) {
    try followRouter()
    let changing = Set(board.requests.filter { $0.isAccepted && !changesRouter($0) }.map(\.app))
    let routes = board.apps.filter { $0.value.current != nil && !$0.value.isLeaving }.mapValues {
      RouteReconciler.route(
        of: board.routed($0), isChanging: changing.contains($0.name), check: check(of: $0))
    }
    let settings = usableSettings()
    let certificates = board.certificates ?? []
    let isNew =
      routes != router.routes || settings != router.settings || certificates != router.certificates
    if router.isWaiting { return }
    if router.phase == .idle {
      if !routes.values.contains(where: { !$0.targets.isEmpty }) { return }
      takeOver()
    } else if !isNew {
      router.isPutOff = false
      return
    }
    var config = router.config
    config.user = try AppUser.ofRouter(in: home)?.id
    config.route(
      routes, settings: settings,
      certificates: certificates.filter { Files.isFile(home.router.certificates + "/" + $0.file) })
    var commands = config.commands(from: router.config)
    router.isPutOff = commands == nil && mustNotReload
    if router.isPutOff {
      config = router.config
      config.routeRuns(routes)
      commands = config.commands(from: router.config)
    } else {
      (router.routes, router.settings, router.certificates) = (routes, settings, certificates)
    }
    let fault = write(config)
    router.config = config
    router.heldSince = config.holdsRequests ? router.heldSince ?? Clock.monotonic() : nil
    if router.isPutOff, router.heldSince == nil { loop.wake(.router, at: Clock.monotonic()) }
    if case .serving(let number) = router.phase, let commands {
      do throws(Cause) {
        try AdminSocket(home.router, number: number).run(
          router.isSynced ? commands : config.allCommands)
        router.isSynced = true
      } catch {
        // It may have ended. The file has it all.
        if complaints.isNew(error, of: .router) { complain(error) }
        try read()
      }
    } else {
      try read()
    }
    if let fault { throw fault }
  }

  /// What HAProxy asks the app's instances. It is read once for a slug.
  private func check(of app: Board.App) -> RouterConfig.Check? {
    guard let release = app.currentRelease else { return nil }
    if let known = router.checks[release.slug] { return known }
    guard let manifest = try? manifests.store.manifest(release.slug) else { return nil }
    let check: RouterConfig.Check?
    if case .http(let asked) = Gate(manifest.appJSON?.readiness(of: ProcessType.web)) {
      check = RouterConfig.Check(
        path: asked.encodedPath, headers: asked.fields.map { [$0.name, $0.value] },
        status: asked.status)
    } else {
      check = nil
    }
    if router.checks.count > 100 { router.checks = [:] }
    router.checks[release.slug] = .some(check)
    return check
  }

  /// Another program can take the port of a run that has ended, so the router forgets it before anything else happens.
  func closeRoute(to run: Board.Run, of app: String) {
    guard case .serving(let number) = router.phase, let port = run.port else { return }
    var config = router.config
    config.close(port, of: app)
    guard let commands = config.commands(from: router.config), !commands.isEmpty else { return }
    if (try? AdminSocket(home.router, number: number).run(commands)) == nil {
      router.isSynced = false
    }
    router.config = config
    _ = write(config)
  }

  /// For how many milliseconds HAProxy holds a request.
  private static let hold = Int64(RouterConfig.holdLimit) * 1000

  /// A HAProxy that leaves would not learn that an instance is there for the requests that it holds.
  private var mustNotReload: Bool {
    guard case .serving = router.phase, let since = router.heldSince else { return false }
    let left = since + Self.hold - Clock.monotonic()
    if left > 0 { loop.wake(.router, at: Clock.monotonic() + left) }
    return left > 0
  }

  /// HAProxy does not listen for TLS without a certificate.
  private func usableSettings() -> RouterSettings {
    var settings = board.router ?? RouterSettings()
    if settings.https == nil || Files.isFile(home.router.standIn) {
      complaints.forget(.standIn)
    } else {
      settings.https = nil
      let cause = Cause(
        .certificate, "the router does not listen for TLS: '\(home.router.standIn)' is missing",
        remedy: "Make it again: relctl router listen http=PORT https=PORT")
      if complaints.isNew(cause, of: .standIn) { complain(cause) }
    }
    return settings
  }

  /// Goes on where another agent has stopped, if HAProxy serves. What that agent has not told it is told again.
  private func takeOver() {
    guard let status = RouterStatus(of: home.router), let number = status.serving?.number,
      let config = RouterConfig(told: home.router)
    else { return }
    (router.phase, router.config, router.isSynced) = (.serving(number), config, false)
    watchRouter(status)
  }

  /// Looks whether a new configuration has been read, and whether the router still lives.
  private func followRouter() throws(Cause) {
    let status = RouterStatus(of: home.router)
    switch router.phase {
    case .idle: return
    case .waiting(let former, let since):
      if let number = status?.serving?.number, number != former {
        (router.phase, router.isSynced, router.fault) = (.serving(number), true, nil)
        watchRouter(status)
        complaints.forget(.router)
        return
      }
      loop.wake(.router, at: Clock.monotonic() + Self.routerPause)
      let waited = Clock.monotonic() - since
      // A parent that ended takes no configuration any more.
      if status == nil, waited > Self.routerStart, (try? Lock.isHeld(home.router.lock)) == false {
        return try read()
      }
      guard waited > (status?.failure == nil ? Self.routerLimit : Self.routerStart) else { return }
      let fault = fault(status, isServing: former != nil)
      forgetRouter()
      router.fault = fault
      throw fault
    case .serving(let number):
      guard let status else { return forgetRouter() }
      // One that had to be started again has read the file.
      if let now = status.serving?.number, now != number {
        router.phase = .serving(now)
        watchRouter(status)
      }
    }
  }

  private func fault(_ status: RouterStatus?, isServing: Bool) -> Cause {
    let reason = status?.failure ?? "it has not started"
    let log = "See \(home.router.log)."
    return isServing
      ? Cause(
        .router,
        "HAProxy cannot read its configuration, and goes on with the former one: \(reason)",
        remedy: log)
      : Cause(
        .router, "HAProxy does not serve: \(reason)",
        remedy: log + " Each instance is reached on its own port meanwhile.")
  }

  private func forgetRouter() {
    router.phase = .idle
    watchRouter(nil)
  }

  private func watchRouter(_ status: RouterStatus?) {
    router.end = status.flatMap { $0.keeperIdentity.endWatch() }
    loop.watch(router.end?.descriptor, as: .router)
  }

  /// - Returns: why the files could not be written. HAProxy is told all the same.
  private func write(_ config: RouterConfig) -> Cause? {
    let folder = home.router
    let maps = config.maps.map { (folder.path + "/" + $0.key, Array($0.value.utf8)) }
    let files =
      maps + [
        (folder.sockets, Array(RouterSockets(config.settings).text.utf8)),
        (folder.configuration, Array(config.text.utf8)), (folder.routes, JSON.encode(config)),
      ]
    do throws(PosixError) {
      try Files.makeFolder(folder.path)
      // An agent that starts writes them again, so they need not outlive a power cut.
      for (path, bytes) in files { try Files.replace(path, with: bytes, isDurable: false) }
      _ = try Files.createIfMissing(folder.tokens, with: [])
      return nil
    } catch { return Cause(error, as: .router) }
  }

  /// Makes HAProxy read the configuration: a running router starts another one beside it.
  private func read() throws(Cause) {
    let status = RouterStatus(of: home.router)
    if status == nil, RouterProgram.path(environment) == nil {
      forgetRouter()
      return tellOfAbsence()
    }
    router.phase = .waiting(former: status?.serving?.number, since: Clock.monotonic())
    watchRouter(nil)
    loop.wake(.router, at: Clock.monotonic() + Self.routerPause)
    if let status, status.keeperIdentity.signal(.hup) { return }
    guard let program = RouterProgram.path(environment) else { return }
    do throws(PosixError) { try startHelper(launcher.router(program)) } catch {
      throw Cause(error, as: .router)
    }
  }

  private func tellOfAbsence() {
    if router.wasMissed { return }
    router.wasMissed = true
    complain(
      Cause(
        .router, "HAProxy is not installed, so that each instance is reached on its own port only",
        remedy: "Install it: apt-get install haproxy"))
  }

  /// Ends the router if no app needs it, also a HAProxy whose parent is gone.
  func endRouter() {
    if let status = RouterStatus(of: home.router) {
      status.keeperIdentity.signal(.term)
      return
    }
    for haproxy in ProcessTable.processes(withArguments: home.router.arguments) {
      haproxy.signal(.usr1)
    }
  }

  // MARK: - Draining

  /// Milliseconds in which kept connections of a HAProxy that leaves end; its requests cannot be counted.
  private static let leaving: Int64 = 25_000

  /// Whether requests may still be under way to a run that is to end. It is waited for a limited time.
  func hasRequests(_ run: Board.Run, of app: Board.App) -> Bool {
    guard router.phase != .idle, let port = run.port, run.wasReady == true,
      run.instance.process == ProcessType.web
    else { return false }
    let limit = max(
      RouteReconciler.drain,
      Int64(app.release(run.release)?.rollout?.drain[run.instance.process] ?? 0))
    let waited = Timestamp(milliseconds: Clock.now()) - run.since
    // A clock that was set back must not make it wait.
    if waited > limit || waited < 0 { return false }
    guard case .serving(let number) = router.phase,
      router.routes[app.name]?.targets == RouteReconciler.plan(app)
    else { return true }
    if let left = RouterStatus(of: home.router)?.left, Clock.monotonic() - left < Self.leaving {
      return true
    }
    let servers = router.config.servers(of: app.name, port: port)
    if servers.isEmpty { return false }
    let counts = try? AdminSocket(home.router, number: number).requests(to: app.name)
    return counts.map { counts in servers.contains { counts[$0] ?? 0 > 0 } } ?? true
  }
}
