import Events
import HomeLayout
import Instance
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
  var targets: [String: [RouteTarget]] = [:]
  var notices: [String: String] = [:]
  /// Whether the operator was told that HAProxy is not installed.
  var wasMissed = false
  /// A descriptor that is readable when the router's parent has ended.
  var end: File?
}

// Keeps the router as the board wants it.
extension Agent {
  /// Milliseconds between two looks at a router that starts, and in which it must start.
  private static let routerPause: Int64 = 20
  private static let routerLimit: Int64 = 10_000

  /// Makes the router send requests to the runs that are to get them. Without HAProxy each run is reached on its own
  /// port.
  func route() throws(Cause) {
    let targets = board.apps.filter { $0.value.current != nil }.mapValues(RouteReconciler.plan)
    let notices = board.apps.compactMapValues(\.maintenance)
    try followRouter()
    let isNeeded = targets.values.contains { !$0.isEmpty } || router.phase != .idle
    let isNew = targets != router.targets || notices != router.notices
    guard isNeeded, isNew || router.phase == .idle else { return }
    if case .waiting = router.phase { return }
    guard let program = RouterProgram.path(environment) else { return tellOfAbsence() }
    var config = router.config
    config.user = try AppUser.ofRouter(in: home)?.id
    config.route(targets, notices: notices)
    try write(config)
    let commands = config.commands(from: router.config)
    (router.config, router.targets, router.notices) = (config, targets, notices)
    if case .serving(let number) = router.phase, let commands {
      if commands.isEmpty { return }
      do throws(Cause) {
        return try AdminSocket(home.router, number: number).run(commands)
      } catch {
        // It may have ended. The file has it all.
        if complaints.isNew(error, of: .router) { complain(error) }
      }
    }
    try read(with: program)
  }

  /// Looks whether a new configuration has been read, and whether the router still lives.
  private func followRouter() throws(Cause) {
    let status = RouterStatus(of: home.router)
    switch router.phase {
    case .idle: return
    case .waiting(let former, let since):
      if let number = status?.serving?.number, number != former {
        router.phase = .serving(number)
        watchRouter(status)
        complaints.forget(.router)
        return
      }
      loop.wake(.router, at: Clock.monotonic() + Self.routerPause)
      guard Clock.monotonic() - since > Self.routerLimit else { return }
      router.phase = .idle
      throw Cause(
        .router, "HAProxy does not serve: \(status?.failure ?? "it has not started")",
        remedy: "See \(home.router.log). Each instance is reached on its own port meanwhile.")
    case .serving(let number):
      // One that had to be started again has read the file.
      if let status, status.keeperLives {
        if let now = status.serving?.number, now != number { router.phase = .serving(now) }
      } else {
        router.phase = .idle
      }
    }
  }

  private func watchRouter(_ status: RouterStatus?) {
    router.end = status.flatMap { $0.keeperIdentity.endWatch() }
    loop.watch(router.end?.descriptor, as: .router)
  }

  private func write(_ config: RouterConfig) throws(Cause) {
    do throws(PosixError) {
      try Files.makeFolder(home.router.path)
      let hosts = home.router.path + "/" + RouterConfig.hostsFile
      try Files.replace(hosts, with: Array(config.hosts.utf8))
      try Files.replace(home.router.configuration, with: Array(config.text.utf8))
    } catch { throw Cause(error, as: .router) }
  }

  /// Makes HAProxy read the configuration: a running router starts another one beside it.
  private func read(with program: String) throws(Cause) {
    let status = RouterStatus(of: home.router)
    router.phase = .waiting(former: status?.serving?.number, since: Clock.monotonic())
    loop.wake(.router, at: Clock.monotonic() + Self.routerPause)
    if let status, status.keeperIdentity.signal(.hup) { return }
    router.phase = .waiting(former: nil, since: Clock.monotonic())
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

  /// Ends the router if no app needs it.
  func endRouter() {
    guard let status = RouterStatus(of: home.router) else { return }
    status.keeperIdentity.signal(.term)
  }

  // MARK: - Draining

  /// Whether requests may still be under way to a run that is to end. It is waited for a limited time.
  func hasRequests(_ run: Board.Run, of app: Board.App) -> Bool {
    guard router.phase != .idle, let port = run.port, run.wasReady == true,
      run.instance.process == ProcessType.web
    else { return false }
    let limit = max(
      RouteReconciler.drain,
      Int64(app.release(run.release)?.rollout?.drain[run.instance.process] ?? 0))
    if Timestamp(milliseconds: Clock.now()) - run.since > limit { return false }
    guard case .serving(let number) = router.phase,
      router.targets[app.name] == RouteReconciler.plan(app)
    else { return true }
    guard let slot = router.config.slot(of: app.name, port: port) else { return false }
    // The requests of a former HAProxy cannot be counted.
    if let status = RouterStatus(of: home.router), status.leaving > 0 { return true }
    let counts = try? AdminSocket(home.router, number: number).requests(to: app.name)
    return counts?[slot + 1] ?? 0 > 0
  }
}
