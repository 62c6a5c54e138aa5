import DiskReserve
import Events
import HomeLayout
import Instance
import Journal
import Operations
import Posix
import Redaction
import SlugStore

/// The one process of a home that acts: it carries out requests and keeps the instances as they should be.
///
/// A loop without state worth keeping: wait until something happens, read the log, look at the runs that it happened to,
/// do what the reconcilers say. It can be killed at any line; the instances go on and the next agent finds them. It
/// waits nowhere else: what takes time is a child process, or looked at again later.
public final class Agent {
  let home: Home
  let journal: Journal
  let launcher: Launcher
  let environment: [String: String]
  let reserve: ReservedSpace
  let portMapper: PortMapper
  private let operations: OperationTable
  private let control: AgentControl
  private let lock: Lock
  private let complain: (Cause) -> Void

  var manifests: Manifests
  private var follower: Follower
  private var loop: EventLoop<Source>
  private let folders: FolderWatch?
  /// The runs that have not ended, by id.
  var watches: [UInt64: WatchedRun] = [:]
  /// By app.
  private var crashes: [String: CrashTimes] = [:]
  var complaints = Complaints()
  /// Apps and runs that something has happened to since they were looked at.
  private var changedApps: Set<String> = []
  private var changedRuns: [String: Set<UInt64>] = [:]
  private var isWaitingForSpace = false
  /// Children that run on their own; they are reaped when they end.
  private var helpers: [Child] = []

  /// What the loop waits for.
  enum Source: Hashable {
    case log, folders, reserve
    /// A moment at which an app is to be looked at: a deadline, a pause after a crash, or trouble with it.
    case app(String)
    case run(UInt64)
    /// The node of a run that boots; it is asked so often that the agent takes a turn only when its answers matter.
    case node(UInt64)
  }

  var board: Board { follower.board }

  /// Milliseconds until what has failed is tried again.
  private static let retryPause: Int64 = 1000
  /// Milliseconds between two looks for space, while the reserve is missing.
  private static let spacePause: Int64 = 3000

  /// - Parameter complain: told what went wrong with the agent itself.
  /// - Throws: `RT-AGENT-RUNNING` if the home has an agent.
  public init(
    home: Home, launcher: Launcher, environment: [String: String],
    operations: OperationTable = .standard, complain: @escaping (Cause) -> Void
  ) throws(Cause) {
    (self.home, self.launcher, self.environment) = (home, launcher, environment)
    (self.operations, self.complain) = (operations, complain)
    journal = Journal(home: home, program: "agent")
    manifests = Manifests(SlugStore(home: home))
    reserve = ReservedSpace(home: home)
    portMapper = PortMapper(home: home, environment: environment)
    control = AgentControl(home: home)
    lock = try control.take()
    do throws(PosixError) {
      loop = EventLoop(signals: try Signals([.term, .int, .hup, .chld]))
      try Files.makeFolder(home.events)
      try Files.makeFolder(home.apps)
      folders = try FolderWatch(home.apps)
    } catch { throw Cause(error, as: .homeUnwritable) }
    follower = Follower(journal)
    loop.watch(folders?.file.descriptor, as: .folders)
  }

  /// Serves until it is asked to leave (SIGTERM, SIGINT, SIGHUP).
  public func run() throws(Cause) {
    try take()
    try record(.agentStarted, app: nil) { $0.pid = Program.processID }
    changeAll()
    while true {
      try act()
      let turn: EventLoop<Source>.Turn
      do throws(PosixError) { turn = try loop.wait() } catch { throw Cause(error) }
      control.stamp()
      for signal in turn.signals where signal != .chld { return try leave() }
      if !turn.signals.isEmpty { reap() }
      try notice(turn)
    }
  }

  private func leave() throws(Cause) {
    try record(.agentStopped, app: nil) { $0.pid = Program.processID }
    if board.apps.values.allSatisfy({ $0.liveRuns.isEmpty }) { portMapper.stopIfUnused() }
  }

  /// Writes an event and folds it in.
  func record(_ type: EventType, app: String?, _ fill: (inout EventData) -> Void) throws(Cause) {
    try journal.append(type, app: app, EventData(fill))
    try take()
  }
}

// MARK: - What has happened

extension Agent {
  /// Reads the log on, and marks what its events are about.
  private func take() throws(Cause) {
    let kept = follower.kept
    for event in try follower.take() {
      guard let app = event.app else { continue }
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
    changedRuns[app.name] = Set(app.liveRuns.map(\.id))
  }

  private func change(_ run: UInt64) {
    guard let app = watches[run]?.app else { return }
    changedApps.insert(app)
    changedRuns[app, default: []].insert(run)
  }

  /// Marks what the loop has waited for.
  private func notice(_ turn: EventLoop<Source>.Turn) throws(Cause) {
    for token in turn.tokens {
      switch token {
      case .log: try endure(.log) { () throws(Cause) in try take() }
      case .folders:
        let folders = folders?.drainChanges() ?? []
        if folders.contains(FolderWatch.overflow) { changeAll() }
        for (run, watched) in watches where folders.contains(watched.folderWatch ?? 0) {
          change(run)
        }
      case .reserve:
        isWaitingForSpace = false
        changeAll()
      case .app(let name):
        if let app = board.apps[name] { change(app) } else { changedApps.insert(name) }
      case .run(let run):
        watches[run]?.note(turn.ready[token] ?? [])
        change(run)
      case .node(let run):
        if watches[run]?.advanceNode(turn.ready[token] ?? []) == true { change(run) }
        listen(to: run)
      }
    }
  }

  /// How a `relshim` ended its status tells; but it must not stay behind as a zombie.
  private func reap() {
    helpers.removeAll { $0.exitIfEnded() != nil }
    for run in watches.keys where watches[run]?.reap() == true { change(run) }
  }

  /// Starts a program and does not wait for it.
  func startHelper(_ invocation: Invocation) throws(PosixError) {
    helpers.append(
      try Child.start(invocation, output: .null, errors: .null, newSession: true))
  }
}

// MARK: - Acting

extension Agent {
  /// Looks at what has changed until nothing is to be done but wait.
  private func act() throws(Cause) {
    while let name = changedApps.min() {
      changedApps.remove(name)
      try endure(.app(name)) { () throws(Cause) in try settle(name) }
    }
    manifests.keep(only: board.neededSlugs)
    reserve.keep()
    if reserve.isWhole || isWaitingForSpace { return }
    // No event tells when there is space again.
    isWaitingForSpace = true
    loop.wake(.reserve, at: Clock.monotonic() + Self.spacePause)
  }

  /// What goes wrong with one app or run, a full disk or an unreadable file, must not end the agent nor delay another: it
  /// is told, and tried again in a second. Only a log that is not the one it has read ends the agent.
  func endure(_ source: Source, _ step: () throws(Cause) -> Void) throws(Cause) {
    do throws(Cause) {
      try step()
      complaints.forget(source)
    } catch {
      if error.id == ProblemID.logDamaged.rawValue { throw error }
      if complaints.isNew(error, of: source) { complain(journal.mask()(error)) }
      if error.isOfFullDisk { reserve.give() }
      // What has failed may be ready still, and would wake the agent again and again.
      loop.forget(source)
      if case .run(let run) = source { loop.forget(.node(run)) }
      loop.wake(source, at: Clock.monotonic() + Self.retryPause)
    }
  }

  /// Looks at the app's changed runs, then does what its reconciler says, in a bounded number of steps so that other
  /// apps get their turn.
  private func settle(_ name: String) throws(Cause) {
    loop.wake(.app(name), at: nil)
    for _ in 0..<64 {
      for run in (changedRuns.removeValue(forKey: name) ?? []).sorted() {
        try endure(.run(run)) { () throws(Cause) in try look(at: run, of: name) }
      }
      let app = board.apps[name] ?? Board.App(name: name, changed: board.time)
      let (actions, wakeAt) = AppReconciler.plan(app, in: surroundings(of: app))
      for action in actions { try perform(action, app) }
      if actions.isEmpty, changedRuns[name] == nil {
        changedApps.remove(name)
        return sleep(name, until: wakeAt)
      }
    }
    loop.wake(.app(name), at: Clock.monotonic())
  }

  private func surroundings(of app: Board.App) -> AppReconciler.Surroundings {
    let now = Timestamp(milliseconds: Clock.now())
    return AppReconciler.Surroundings(
      requests: board.requests.filter { $0.app == app.name && $0.isAgents(at: now) }, now: now,
      sinceCrash: crashes[app.name, default: CrashTimes()].ages(of: app.crashes),
      hasSpace: reserve.hasRoom, operations: operations
    ) { [self] number in
      Result { () throws(Cause) in
        Set(try manifest(of: number, app).processes.map(\.process))
      }
    }
  }

  /// Until the reconciler wants to look again, or an open request is at its deadline.
  private func sleep(_ name: String, until moment: Timestamp?) {
    let now = Timestamp(milliseconds: Clock.now())
    let deadlines = board.requests.filter { $0.app == name }.compactMap(\.due).map { $0 + 1 }
    guard let first = (deadlines + [moment].compactMap { $0 }).min() else { return }
    loop.wake(.app(name), at: Clock.monotonic() + max(0, first - now))
  }

  func admission() -> Admission { Admission(home: home, board: board, operations: operations) }

  /// Waits for what the run's watch waits for.
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

  /// Notices changes in the run's folder.
  func watchFolder(_ path: String) -> Int32? { try? folders?.add(path) }
}

extension Board {
  /// The slugs that the agent may have to start runs of.
  fileprivate var neededSlugs: Set<String> {
    Set(
      apps.values.flatMap { app in
        let numbers = Set(app.liveRuns.map(\.release)).union(
          [app.current, app.deployment?.release].compactMap { $0 })
        return numbers.compactMap { app.release($0)?.slug }
      })
  }
}

extension Board.Request {
  /// Milliseconds: a node's actions are carried out by the program that asked for them; the agent only ends what that
  /// left open so long after its deadline.
  private static let patience: Int64 = 5000

  /// The moment after which the agent ends it, however far it is.
  var due: Timestamp? {
    data.deadline.map { type == .nodeActionRequested ? $0 + Self.patience : $0 }
  }

  /// Whether it is the agent's to carry out, or to end.
  func isAgents(at now: Timestamp) -> Bool {
    guard type == .nodeActionRequested, let due else { return true }
    return now > due
  }
}
