import DiskReserve
import Events
import HomeLayout
import Instance
import Journal
import Operations
import Posix
import SlugStore

/// The agent of a home, a single process. It carries out requests and keeps the instances as they should be.
///
/// It is a loop that keeps no important state: it waits for something to happen, reads the log, looks
/// at the affected runs, and does what the reconcilers plan. It blocks only in that wait. It can be
/// killed at any line: the instances keep running, and the next agent finds them.
public final class Agent {
  let home: Home
  let journal: EventJournal
  let launcher: Launcher
  let environment: [String: String]
  let reserve: ReservedSpace
  let portMapper: PortMapper
  var groups: GroupKeeper
  let operations: OperationTable
  private let control: AgentControl
  private let lock: Lock
  let complain: (Cause) -> Void

  var manifests: Manifests
  private var follower: Follower
  var loop: EventLoop<Source>
  private let folders: FolderWatch?
  var watches: [UInt64: WatchedRun] = [:]
  var clusters: [String: WatchedCluster] = [:]
  var router = WatchedRouter()
  private var moments: [String: SeenMoments] = [:]
  var complaints = Complaints()
  /// Apps and runs that changed since they were last looked at.
  private var changedApps: Set<String> = []
  private var changedRuns: [String: Set<UInt64>] = [:]
  private var isWaitingForSpace = false
  private var stampedAt: Int64 = 0
  /// Child processes that the agent does not wait for; they are reaped when they end.
  private var helpers: [Child] = []
  /// Until when a certificate that is being renewed is not looked at again.
  var renewing: [String: Int64] = [:]
  var previews = PreviewHelpers()
  var idleness = Idleness()
  var wakeWatch: Int32?

  /// A source of events for the loop.
  enum Source: Hashable {
    case log, folders, reserve, router, certificates, leases, idleness
    /// A time to look at an app: a deadline, the end of a pause after a crash, or a retry.
    case app(String)
    case run(UInt64)
    /// The node of a booting run. Most of its answers do not make the agent look at the run.
    case node(UInt64)
    /// The connections between the nodes of an app.
    case cluster(String)
    /// The limits of an app's instances; only complaints are about them.
    case limits(String)
    /// The certificate without which HAProxy does not listen for TLS; only complaints are about it.
    case standIn
  }

  var board: Board { follower.board }

  /// Milliseconds until a failed step is tried again.
  private static let retryPause: Int64 = 1000
  /// Milliseconds between two checks for disk space while the reserve is missing.
  private static let spacePause: Int64 = 3000

  /// - Parameter complain: called with problems of the agent itself.
  /// - Throws: `RT-AGENT-RUNNING` if the home has an agent.
  public init(
    home: Home, launcher: Launcher, environment: [String: String],
    operations: OperationTable = .standard, complain: @escaping (Cause) -> Void
  ) throws(Cause) {
    (self.home, self.launcher, self.environment) = (home, launcher, environment)
    (self.operations, self.complain) = (operations, complain)
    journal = EventJournal(home: home, program: "agent")
    manifests = Manifests(StoredSlugs(home: home))
    reserve = ReservedSpace(home: home)
    portMapper = PortMapper(home: home, environment: environment)
    control = AgentControl(home: home)
    lock = try control.take()
    var groups = RunGroups(.here(), home: home)
    groups.open()
    self.groups = GroupKeeper(groups)
    do throws(PosixError) {
      loop = EventLoop(signals: try Signals([.term, .int, .hup, .chld]))
      try Files.makeFolder(home.events)
      try Files.makeFolder(home.apps)
      folders = try FolderWatch(home.apps)
    } catch { throw Cause(error, as: .homeUnwritable) }
    follower = Follower(journal)
    loop.watch(folders?.file.descriptor, as: .folders)
  }

  /// Serves until a signal asks it to stop (SIGTERM, SIGINT, SIGHUP).
  public func run() throws(Cause) {
    try take()
    try record(.agentStarted, app: nil) { $0.pid = Program.processID }
    groups.clear(board)
    changeAll()
    watchWakes()
    try endure(.idleness) { () throws(Cause) in try takeWakes() }
    while true {
      try act()
      let turn: EventLoop<Source>.Turn
      do throws(PosixError) { turn = try loop.wait() } catch { throw Cause(error) }
      stamp(turn)
      for signal in turn.signals where signal != .chld { return try leave() }
      if !turn.signals.isEmpty { reap() }
      try notice(turn)
    }
  }

  /// Records that the agent has woken. Probes wake it often, so for them alone once a second is enough.
  private func stamp(_ turn: EventLoop<Source>.Turn) {
    let now = Clock.monotonic()
    let isProbe =
      turn.signals.isEmpty
      && turn.tokens.allSatisfy { if case .run = $0 { true } else { false } }
    if isProbe, now - stampedAt < 1000 { return }
    control.stamp()
    stampedAt = now
  }

  private func leave() throws(Cause) {
    for run in watches.keys { _ = watches[run]?.gate?.stopAsking() }
    try record(.agentStopped, app: nil) { $0.pid = Program.processID }
    if board.apps.values.allSatisfy({ $0.liveRuns.isEmpty }) {
      portMapper.stopIfUnused()
      endRouter()
    }
  }

  /// Appends an event and applies it to the board.
  func record(_ type: EventType, app: String?, _ fill: (inout EventData) -> Void) throws(Cause) {
    try journal.append(type, app: app, EventData(fill))
    try take()
  }
}

// MARK: - What has changed

extension Agent {
  /// Reads new events, and marks the apps and runs that they name.
  private func take() throws(Cause) {
    let (kept, before) = (follower.kept, board.sequence)
    let events: [Event]
    do throws(Cause) { events = try follower.take() } catch {
      // It may have applied events to the board before it failed.
      changeAll()
      throw error
    }
    // After a gap or a checkpoint the board contains more changes than these events.
    if board.sequence - before > UInt64(events.count) { changeAll() }
    for event in events {
      // A request for the router belongs to no app.
      guard let app = event.app ?? (event.type?.isRequest == true ? "" : nil) else { continue }
      changedApps.insert(app)
      let run = event.type == .instanceStarting ? event.sequence : event.data.run
      if let run { changedRuns[app, default: []].insert(run) }
    }
    if follower.kept != kept { try journal.dropOld() }
    loop.watch(follower.descriptor, as: .log)
    if follower.descriptor == nil { loop.wake(.log, at: Clock.monotonic() + Self.retryPause) }
  }

  private func changeAll() {
    for app in board.apps.values { change(app) }
    changedApps.formUnion(board.requests.map(\.app))
  }

  private func change(_ app: Board.App) {
    changedApps.insert(app.name)
    changedRuns[app.name, default: []].formUnion(app.liveRuns.map(\.id))
  }

  private func change(_ run: UInt64) {
    guard let app = watches[run]?.app else { return }
    changedApps.insert(app)
    changedRuns[app, default: []].insert(run)
  }

  /// Marks the apps and runs that the loop's turn affects.
  private func notice(_ turn: EventLoop<Source>.Turn) throws(Cause) {
    for token in turn.tokens {
      switch token {
      case .log: try endure(.log) { () throws(Cause) in try take() }
      case .folders:
        let folders = folders?.drainChanges() ?? []
        let isLost = folders.contains(FolderWatch.overflow)
        if isLost { changeAll() }
        if isLost || wakeWatch.map(folders.contains) == true {
          try endure(.idleness) { () throws(Cause) in try takeWakes() }
        }
        for (run, watched) in watches where folders.contains(watched.folderWatch ?? 0) {
          change(run)
        }
      case .reserve:
        isWaitingForSpace = false
        changeAll()
      case .router:
        try endure(.router) { () throws(Cause) in try route() }
        // Requests end when the router has read what they change.
        if !router.isBusy { changedApps.formUnion(board.requests.map(\.app)) }
      case .app(let name): changedApps.insert(name)
      case .run(let run):
        watches[run]?.note(turn.ready[token] ?? [])
        passesQuietly(run) ? listen(to: run) : change(run)
      case .node(let run):
        if watches[run]?.advanceNode(turn.ready[token] ?? []) == true { change(run) }
        listen(to: run)
      case .cluster(let app):
        try endure(token) { () throws(Cause) in
          try advanceCluster(of: app, turn.ready[token] ?? [])
        }
      case .limits, .certificates, .standIn, .leases, .idleness: continue
      }
    }
  }

  private func passesQuietly(_ id: UInt64) -> Bool {
    guard let app = watches[id]?.app, let run = board.apps[app]?.run(id) else { return false }
    return watches[id]?.passesQuietly(run) == true
  }

  /// Reaps ended child processes. How a run ended is in its status file.
  private func reap() {
    helpers.removeAll { $0.exitIfEnded() != nil }
    for run in watches.keys where watches[run]?.reap() == true { change(run) }
    reapPreviewHelpers()
  }

  /// Takes over a child process whose end does not matter to a run any more.
  func adopt(_ child: Child?) {
    guard let child else { return }
    // The SIGCHLD of its end may have been handled already.
    if child.exitIfEnded() == nil { helpers.append(child) }
  }

  func startHelper(_ invocation: Invocation, errors: Child.Stream = .null) throws(PosixError) {
    helpers.append(
      try Child.start(invocation, output: .null, errors: errors, newSession: true))
  }
}

// MARK: - Acting

extension Agent {
  /// Looks at changed apps until no further action is possible now.
  private func act() throws(Cause) {
    try endure(.certificates) { () throws(Cause) in try renewCertificates() }
    try endure(.leases) { () throws(Cause) in try closeExpired() }
    try endure(.idleness) { () throws(Cause) in try followIdleness() }
    let isChanged = !changedApps.isEmpty
    while let name = changedApps.min() {
      changedApps.remove(name)
      try endure(.app(name)) { () throws(Cause) in try settle(name) }
    }
    if isChanged { manifests.keep(only: board.neededSlugs) }
    let wasWhole = reserve.isWhole
    if !wasWhole { reserve.keep() }
    if wasWhole || isWaitingForSpace { return }
    // The kernel does not report that space is free again; instances may wait for it.
    isWaitingForSpace = true
    loop.wake(.reserve, at: Clock.monotonic() + (reserve.isWhole ? 0 : Self.spacePause))
  }

  /// Runs a step for one app or run. A failure, such as a full disk or an unreadable file, must neither end the agent
  /// nor delay other apps: it is reported, and the step is tried again in a second. Only a replaced log ends the agent.
  func endure(_ source: Source, _ step: () throws(Cause) -> Void) throws(Cause) {
    do throws(Cause) {
      try step()
      complaints.forget(source)
    } catch {
      if error.id == ProblemID.logDamaged.rawValue { throw error }
      if complaints.isNew(error, of: source) { complain(journal.mask()(error)) }
      if error.isOfFullDisk { reserve.give() }
      // The failed source may still be ready, and would wake the agent again and again.
      loop.forget(source)
      if case .run(let run) = source { loop.forget(.node(run)) }
      if case .app(let name) = source {
        changedApps.remove(name)
        changedRuns[name] = Set(board.apps[name]?.liveRuns.map(\.id) ?? [])
      }
      loop.wake(source, at: Clock.monotonic() + Self.retryPause)
    }
  }

  /// Looks at the app's changed runs, then performs what its reconciler plans. The number of steps
  /// is bounded, so that other apps get their turn.
  private func settle(_ name: String) throws(Cause) {
    loop.wake(.app(name), at: nil)
    for _ in 0..<64 {
      // What takes no more requests is asked to end, and a run that has ended gets none.
      try endure(.router) { () throws(Cause) in try route() }
      for run in (changedRuns.removeValue(forKey: name) ?? []).sorted() {
        try endure(.run(run)) { () throws(Cause) in try look(at: run, of: name) }
      }
      let app = board.apps[name] ?? Board.App(name: name, changed: board.time)
      applyLimits(to: app)
      let (actions, wakeAt) = plan(app)
      for action in actions { try perform(action, app) }
      if actions.isEmpty, changedRuns[name] == nil {
        changedApps.remove(name)
        try followCluster(of: app)
        return loop.wake(.app(name), at: wakeAt)
      }
    }
    changedApps.remove(name)
    loop.wake(.app(name), at: Clock.monotonic())
  }

  /// A limit that cannot be set must not keep the app from being restarted or stopped.
  private func applyLimits(to app: Board.App) {
    do throws(PosixError) {
      try groups.apply(to: app)
      complaints.forget(.limits(app.name))
    } catch {
      let cause = Cause(error)
      if complaints.isNew(cause, of: .limits(app.name)) { complain(journal.mask()(cause)) }
    }
  }

  /// - Returns: the actions to do now, and when to look again: when the reconciler wants it, or when an action on a node is
  ///   given up.
  private func plan(_ app: Board.App) -> (actions: [AppAction], wakeAt: Int64?) {
    let (now, clock) = (Clock.monotonic(), Timestamp(milliseconds: Clock.now()))
    var (seen, requests) = (app, board.requests.filter { $0.app == app.name })
    moments[app.name, default: SeenMoments()].adjust(
      &seen, &requests, operations: operations, now: now, clock: clock)
    let due = requests.filter { $0.type == .nodeActionRequested }.compactMap(\.due).map { $0 + 1 }
    let open = requests.filter { $0.isAgents(at: clock) }
    let (actions, wakeAt) = AppReconciler.plan(seen, in: surroundings(of: seen, open, clock))
    let first = (due + [wakeAt].compactMap { $0 }).min()
    return (actions, first.map { now + max(100, $0 - clock) })
  }

  private func surroundings(
    of app: Board.App, _ requests: [Board.Request], _ clock: Timestamp
  ) -> AppReconciler.Surroundings {
    AppReconciler.Surroundings(
      requests: requests, now: clock,
      sinceCrash: app.crashes.mapValues { clock.elapsed(since: $0.last) },
      hasSpace: reserve.hasRoom,
      isMemoryShort: app.deployment?.hasSwitched == true && Self.isMemoryShort,
      operations: operations, isRouterBusy: router.isBusy, routerFault: router.fault,
      previewTask: previews.tasks(of: app.name),
      mostBoots: max(4, 2 * HostLimits.processors)
    ) { [self] number in
      Result { () throws(Cause) in
        Set(try manifest(of: number, app).processes.map(\.process))
      }
    }
  }

  func changePreview(_ app: String) { changedApps.insert(app) }

  /// Forgets an app that is gone.
  func forget(_ app: String) {
    moments[app] = nil
    idleness.forget(app)
    clusters[app] = nil
    loop.forget(.cluster(app))
    complaints.forget(.app(app))
  }

  func changesRouter(_ request: Board.Request) -> Bool {
    operations.operation(request).map { type(of: $0).changesRouter } ?? false
  }

  /// Whether less than a twentieth of the host's memory is left.
  private static var isMemoryShort: Bool {
    HostLimits.memory.map { $0.available < $0.total / 20 } ?? false
  }

  /// Registers what the loop must wait for to notice changes of the run.
  func listen(to run: UInt64) {
    guard let watched = watches[run] else { return forget(run) }
    let state = board.apps[watched.app]?.run(run)?.state ?? .stopped
    loop.watch(watched.interests, as: .run(run))
    loop.wake(.run(run), at: watched.wakeAt(state))
    loop.watch(watched.nodeInterests, as: .node(run))
    loop.wake(.node(run), at: watched.nodeTick)
  }

  private func forget(_ run: UInt64) {
    loop.forget(.run(run))
    loop.forget(.node(run))
  }

  func watchFolder(_ path: String) -> Int32? { try? folders?.add(path) }
}

extension Board {
  /// The slugs from which the agent may have to start runs.
  fileprivate var neededSlugs: Set<String> {
    Set(
      apps.values.flatMap { app in
        let numbers = [app.current, app.deployment?.release] + app.liveRuns.map { $0.release }
        return numbers.compactMap { app.release($0)?.slug }
      })
  }
}

extension Board.Request {
  /// Milliseconds after the deadline at which the agent ends an action on a node. The program that
  /// requested the action carries it out; the agent only ends what that program left open.
  private static let patience: Int64 = 5000

  /// The time at which the agent ends the request, whatever its progress.
  var due: Timestamp? {
    data.deadline.map { type == .nodeActionRequested ? $0 + Self.patience : $0 }
  }

  /// Whether the agent must carry out or end the request.
  func isAgents(at now: Timestamp) -> Bool {
    guard type == .nodeActionRequested, let due else { return true }
    return now > due
  }
}
