import Instance
import Journal
import Posix
import ReleaseModel
import SlugStore

/// The one process of a home that acts: it carries out requests and keeps instances as they should be.
///
/// A loop without state worth keeping: read the log, look at the runs, do what the reconciler says, wait until
/// something happens. It can be killed at any line; the instances go on and the next agent finds them.
public final class Agent {
  let home: Home
  let journal: Journal
  let store: SlugStore
  let launcher: Launcher
  let environment: [String: String]
  private let lock: Lock
  private let signals: Signals
  private var folders: FolderWatch?
  private var follower: Follower
  private var watches: [UInt64: RunWatch] = [:]
  private var facts: [String: Manifest] = [:]
  /// Those that this agent started.
  private var shims: [Child] = []
  /// When to look again though nothing has happened, on the monotonic clock.
  private var wakeAt: Int64?
  private let complain: (Cause) -> Void
  private var complaint: Cause?

  var board: Board { follower.board }

  /// - Throws: `RT-AGENT-RUNNING` if the home has an agent.
  /// - Parameter complain: told what went wrong with the agent itself.
  public init(
    home: Home, launcher: Launcher, environment: [String: String],
    complain: @escaping (Cause) -> Void
  ) throws(Cause) {
    self.home = home
    self.complain = complain
    self.launcher = launcher
    self.environment = environment
    journal = Journal(home: home, program: "agent")
    store = SlugStore(home: home)
    lock = try AgentControl(home: home).take()
    do throws(PosixError) {
      signals = try Signals([15, 2, 1, 17])
      try Files.makeFolder(home.events)
      try Files.makeFolder(home.apps)
      folders = try FolderWatch(home.apps)
    } catch { throw Cause(.homeUnwritable, "\(error)") }
    follower = Follower(journal)
  }

  /// Serves until it is asked to leave (SIGTERM, SIGINT).
  public func run() throws(Cause) {
    try take()
    try record(.agentStarted, app: nil) { $0.pid = Program.processID }
    var readable: Set<Int32> = []
    while true {
      try endure { () throws(Cause) in
        try take()
        observe(readable)
        try reconcile()
      }
      readable = try wait()
      while let signal = signals.next() {
        if signal == 17 { reap() } else { return try leave() }
      }
    }
  }

  /// A full disk or an unreadable file must not end the agent: it says so and tries again in a second.
  /// Only a log that is not the one it has read leaves it nothing to stand on.
  private func endure(_ turn: () throws(Cause) -> Void) throws(Cause) {
    wakeAt = nil
    do throws(Cause) { try turn() } catch {
      if error.id == ProblemID.logDamaged.rawValue { throw error }
      note(error)
    }
  }

  /// Says what is wrong, but not again and again.
  private func note(_ cause: Cause) {
    if complaint != cause { complain(cause) }
    complaint = cause
    wakeAt = Clock.monotonic() + 1000
  }

  private func leave() throws(Cause) {
    try record(.agentStopped, app: nil) { $0.pid = Program.processID }
    if board.apps.values.allSatisfy({ $0.liveRuns.isEmpty }) {
      EPMDKeeper(home: home).stopIfUnused()
    }
  }

  /// Nobody asks how a shim of ours ended, its status tells; but it must not stay behind as a zombie. Each is asked
  /// by its number: a probe waits for children of its own.
  private func reap() { shims.removeAll { $0.hasEnded() } }

  private func take() throws(Cause) { _ = try follower.take() }

  /// Writes an event and folds it in.
  func record(_ type: EventType, app: String?, _ fill: (inout EventData) -> Void) throws(Cause) {
    try journal.append(type, app: app, EventData(fill))
    try take()
  }

  private func wait() throws(Cause) -> Set<Int32> {
    let now = Clock.monotonic()
    var deadline = wakeAt
    for app in board.apps.values {
      for run in app.liveRuns {
        guard let moment = watches[run.id]?.wakeAt(run.state) else { continue }
        deadline = min(deadline ?? moment, moment)
      }
    }
    let others = [follower.descriptor, folders?.file.descriptor, signals.file.descriptor]
    let descriptors = others.compactMap { $0 } + watches.values.flatMap(\.descriptors)
    do throws(PosixError) {
      let readable = try Poll.wait(descriptors, milliseconds: deadline.map { max(0, $0 - now) })
      folders?.drain()
      return Set(readable)
    } catch { throw Cause(error) }
  }
}

// MARK: - Looking at the runs

extension Agent {
  private func observe(_ readable: Set<Int32>) {
    // One run that cannot be looked at must not hide the others.
    for app in board.apps.values {
      for run in app.liveRuns {
        do throws(Cause) { try observe(run, of: app, readable) } catch { note(error) }
      }
    }
    let live = Set(board.apps.values.flatMap { $0.liveRuns.map(\.id) })
    watches = watches.filter { live.contains($0.key) }
  }

  private func observe(_ run: Board.Run, of app: Board.App, _ readable: Set<Int32>) throws(Cause) {
    let folder = home.app(app.name).run(run.instance.description, run.id)
    switch try RunObservation(folder) {
    case .absent where run.state == .starting:
      if watches[run.id]?.isLaunching != true { try launch(run, of: app) }
    case .absent: try end(run, of: app, nil)
    case .ended(let status): try end(run, of: app, status)
    case .lost(let status):
      // Its output goes nowhere and its end would go unseen: an orphan is replaced, not adopted.
      status.processIdentity?.signal(9)
      try end(run, of: app, status)
    case .live(let status):
      if watches[run.id] == nil {
        watches[run.id] = try watch(run, of: app)
        try? folders?.add(folder.path)
      }
      watches[run.id]?.watch(status)
      try follow(run, of: app, status, readable)
    }
  }

  private func follow(
    _ run: Board.Run, of app: Board.App, _ status: RunStatus, _ readable: Set<Int32>
  ) throws(Cause) {
    if run.state == .starting, let process = status.process {
      try record(.instanceBooting, app: app.name) {
        ($0.instance, $0.run, $0.pid) = (run.instance, run.id, process.pid)
      }
    }
    if run.state == .stopping, !status.wasAsked { status.shimIdentity.signal(15) }
    guard run.instance.process != ProcessType.release,
      let (type, cause) = watches[run.id]?.advance(run, readable: readable)
    else { return }
    let masked = cause.map(mask(of: app, run))
    try record(type, app: app.name) {
      ($0.instance, $0.run, $0.cause) = (run.instance, run.id, masked)
    }
  }

  /// The run is over: as it was meant to, or not.
  private func end(_ run: Board.Run, of app: Board.App, _ status: RunStatus?) throws(Cause) {
    let isDone = run.instance.process == ProcessType.release && status?.exit == .code(0)
    var exit: (code: Int32?, signal: Int32?) = (nil, nil)
    switch status?.exit {
    case .code(let code): exit.code = code
    case .signal(let signal): exit.signal = signal
    default: break
    }
    if run.state == .stopping || status?.wasAsked == true || isDone {
      return try record(.instanceStopped, app: app.name) {
        ($0.instance, $0.run, $0.exit, $0.signal) = (run.instance, run.id, exit.code, exit.signal)
      }
    }
    let folder = home.app(app.name).run(run.instance.description, run.id)
    var cause = EndCause.of(
      run, app: app.name, status: status, lines: LogTail.lines(of: folder, count: 60),
      wasReady: run.state == .ready)
    if status?.exit == nil { cause.id = ProblemID.runLost.rawValue }
    let masked = mask(of: app, run)(cause)
    try record(.instanceCrashed, app: app.name) {
      ($0.instance, $0.run, $0.exit, $0.signal) = (run.instance, run.id, exit.code, exit.signal)
      $0.cause = masked
    }
  }

  private func mask(of app: Board.App, _ run: Board.Run) -> (Cause) -> Cause {
    let config = app.release(run.release).flatMap {
      try? ConfigStore(home: home, app: app.name).load($0.config)
    }
    let mask = Mask(config: config ?? [:])
    return { mask($0) }
  }
}

// MARK: - Starting runs

extension Agent {
  private func launch(_ run: Board.Run, of app: Board.App) throws(Cause) {
    do throws(Cause) {
      var watch = try watch(run, of: app)
      _ = try EPMDKeeper(home: home).ensure(
        tree: watch.specification.tree, environment: environment)
      let folder = watch.specification.folder
      do throws(PosixError) { try Files.makeFolder(folder.path) } catch { throw Cause(error) }
      // Watched before it is started, so that its first word is not missed.
      try? folders?.add(folder.path)
      shims.append(try launcher.start(watch.specification))
      watch.noteLaunch()
      watches[run.id] = watch
    } catch {
      try record(.instanceCrashed, app: app.name) {
        ($0.instance, $0.run, $0.cause) = (run.instance, run.id, error)
      }
    }
  }

  private func watch(_ run: Board.Run, of app: Board.App) throws(Cause) -> RunWatch {
    let specification = try RunSpecification(
      run, of: app, home: home, environment: environment)
    let manifest = try manifest(of: run.release, app)
    return RunWatch(
      specification, check: manifest.appJSON?.readiness(of: run.instance.process))
  }

  func manifest(of number: ReleaseNumber, _ app: Board.App) throws(Cause) -> Manifest {
    guard let release = app.release(number) else {
      throw Cause(.releaseUnknown, "'\(app.name)' has no release \(number)")
    }
    if let known = facts[release.slug] { return known }
    let manifest = try store.manifest(release.slug)
    facts[release.slug] = manifest
    return manifest
  }
}

// MARK: - Reconciling

extension Agent {
  /// Plans and acts until there is nothing to do but wait.
  private func reconcile() throws(Cause) {
    for name in board.apps.keys.sorted() + board.requests.map(\.app) {
      // An app gets its turn in a bounded number of steps, so that none can starve the others.
      for _ in 0..<64 {
        let app = board.apps[name] ?? Board.App(name: name, changed: board.time)
        let now = Timestamp(milliseconds: Clock.now())
        let plan = Reconciler.plan(
          app, requests: board.requests.filter { $0.app == name }, now: now,
          facts: { [self] number in
            (try? manifest(of: number, app)).map {
              Reconciler.Facts(processes: Set($0.processes.map(\.process)))
            }
          })
        if let moment = plan.wakeAt {
          let due = Clock.monotonic() + max(0, moment - now)
          wakeAt = min(wakeAt ?? due, due)
        }
        if plan.actions.isEmpty { break }
        for action in plan.actions { try perform(action, app) }
        observe([])
      }
    }
    try wakeForDeadlines()
  }

  /// An open request must be ended at its deadline even if nothing else happens.
  private func wakeForDeadlines() throws(Cause) {
    let now = Timestamp(milliseconds: Clock.now())
    for deadline in board.requests.compactMap(\.data.deadline) {
      let due = Clock.monotonic() + max(100, deadline - now + 1)
      wakeAt = min(wakeAt ?? due, due)
    }
  }
}
