import DiskReserve
import Events
import HomeLayout
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
  var folders: FolderWatch?
  var follower: Follower
  var watches: [UInt64: RunWatch] = [:]
  var facts: [String: Manifest] = [:]
  /// Those that this agent started, by run; and how those ended that have.
  var shims: [UInt64: Child] = [:]
  var shimExits: [UInt64: Exit] = [:]
  /// By app.
  private var crashes: [String: CrashTimes] = [:]
  /// When to look again though nothing has happened, on the monotonic clock.
  private var wakeAt: Int64?
  private let complain: (Cause) -> Void
  private var complaints = Complaints()
  let ballast: ReservedSpace

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
    ballast = ReservedSpace(home: home)
    lock = try AgentControl(home: home).take()
    do throws(PosixError) {
      signals = try Signals([.term, .int, .hup, .chld])
      try Files.makeFolder(home.events)
      try Files.makeFolder(home.apps)
      folders = try FolderWatch(home.apps)
    } catch { throw Cause(error, as: .homeUnwritable) }
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
        if signal == .chld { reap() } else { return try leave() }
      }
    }
  }

  /// A full disk or an unreadable file must not end the agent: it says so and tries again in a second.
  /// Only a log that is not the one it has read leaves it nothing to stand on.
  private func endure(_ turn: () throws(Cause) -> Void) throws(Cause) {
    wakeAt = nil
    complaints.begin()
    do throws(Cause) { try turn() } catch {
      if error.id == ProblemID.logDamaged.rawValue { throw error }
      note(error)
    }
  }

  /// Says what is wrong, but not again and again.
  func note(_ cause: Cause) {
    if complaints.isNews(cause) { complain(journal.mask()(cause)) }
    if cause.isOfFullDisk { ballast.give() }
    wake(in: 1000)
  }

  private func leave() throws(Cause) {
    try record(.agentStopped, app: nil) { $0.pid = Program.processID }
    if board.apps.values.allSatisfy({ $0.liveRuns.isEmpty }) {
      EPMDKeeper(home: home).stopIfUnused()
    }
  }

  /// Nobody asks how a shim of ours ended, its status tells; but it must not stay behind as a zombie. Each is asked
  /// by its number: a probe waits for children of its own.
  private func reap() {
    for (run, shim) in shims {
      guard let exit = shim.exitIfEnded() else { continue }
      shims[run] = nil
      shimExits[run] = exit
    }
  }

  private func take() throws(Cause) {
    let kept = follower.kept
    _ = try follower.take()
    if follower.kept != kept { try journal.dropOld() }
  }

  /// Writes an event and folds it in.
  func record(_ type: EventType, app: String?, _ fill: (inout EventData) -> Void) throws(Cause) {
    try journal.append(type, app: app, EventData(fill))
    try take()
  }

  /// Milliseconds between two looks for space, while the ballast is missing.
  private static let spacePause: Int64 = 3000

  private func wait() throws(Cause) -> Set<Int32> {
    ballast.keep()
    // Nobody tells when there is space again.
    if !ballast.isWhole { wake(in: Self.spacePause) }
    var deadline = wakeAt
    for app in board.apps.values {
      for run in app.liveRuns {
        guard let moment = watches[run.id]?.wakeAt(run.state) else { continue }
        deadline = min(deadline ?? moment, moment)
      }
    }
    let others = [follower.descriptor, folders?.file.descriptor, signals.file.descriptor]
    // A turn that fails may touch what is watched, or leave what has woken us: the next one waits its second.
    let descriptors =
      complaints.isEmpty
      ? others.compactMap { $0 } + watches.values.flatMap(\.descriptors)
      : [signals.file.descriptor]
    do throws(PosixError) {
      let readable = try wait(for: descriptors, until: deadline)
      folders?.drain()
      return readable
    } catch { throw Cause(error) }
  }

  /// Meanwhile goes on talking to the nodes that boot.
  private func wait(
    for descriptors: [Int32], until deadline: Int64?
  ) throws(PosixError) -> Set<Int32> {
    while true {
      let nodes = complaints.isEmpty ? watches.values.flatMap(\.nodeInterests) : []
      let tick = complaints.isEmpty ? watches.values.compactMap(\.nodeTick).min() : nil
      let moment = [deadline, tick].compactMap { $0 }.min()
      let ready = try Poll.wait(
        descriptors.map { Poll.Interest($0) } + nodes,
        milliseconds: moment.map { max(0, $0 - Clock.monotonic()) })
      var isOver = deadline.map { $0 <= Clock.monotonic() } ?? false
      if complaints.isEmpty {
        for run in watches.keys where watches[run]?.advanceNode(ready) == true { isOver = true }
      }
      let readable = Set(ready.map(\.descriptor)).intersection(descriptors)
      if isOver || !readable.isEmpty { return readable }
    }
  }
}

// MARK: - Reconciling

extension Agent {
  /// Plans and acts until there is nothing to do but wait.
  private func reconcile() throws(Cause) {
    let hasSpace = ballast.hasRoom
    for name in Set(board.apps.keys).union(board.requests.map(\.app)).sorted() {
      // What goes wrong with one app must not keep the others waiting.
      do throws(Cause) { try reconcile(name, hasSpace) } catch {
        if error.id == ProblemID.logDamaged.rawValue { throw error }
        note(error)
      }
    }
    try wakeForDeadlines()
  }

  /// In a bounded number of steps, so that no app can starve the others.
  private func reconcile(_ name: String, _ hasSpace: Bool) throws(Cause) {
    for _ in 0..<64 {
      let app = board.apps[name] ?? Board.App(name: name, changed: board.time)
      let now = Timestamp(milliseconds: Clock.now())
      let plan = Reconciler.plan(
        app, requests: board.requests.filter { $0.app == name && $0.isAgents(at: now) }, now: now,
        sinceCrash: crashes[name, default: CrashTimes()].ages(of: app.crashes), hasSpace: hasSpace,
        facts: { [self] number in
          (try? manifest(of: number, app)).map {
            Reconciler.Facts(processes: Set($0.processes.map(\.process)))
          }
        })
      if let moment = plan.wakeAt { wake(in: moment - now) }
      if plan.actions.isEmpty { return }
      for action in plan.actions { try perform(action, app) }
      observe([])
    }
    wake(in: 0)
  }

  private func wake(in milliseconds: Int64) {
    let due = Clock.monotonic() + max(0, milliseconds)
    wakeAt = min(wakeAt ?? due, due)
  }

  /// An open request must be ended at its deadline even if nothing else happens.
  private func wakeForDeadlines() throws(Cause) {
    let now = Timestamp(milliseconds: Clock.now())
    for moment in board.requests.compactMap(\.due) { wake(in: max(100, moment - now + 1)) }
  }
}

extension Board.Request {
  /// What is asked of a node is done by whoever asked, over a connection of its own; the agent only ends what was
  /// left open so long after its deadline.
  private static let patience: Int64 = 5000

  /// The moment after which the agent ends it, whatever became of it.
  var due: Timestamp? {
    data.deadline.map { type == .nodeActionRequested ? $0 + Self.patience : $0 }
  }

  /// Whether it is the agent's to carry out, or to end.
  func isAgents(at now: Timestamp) -> Bool {
    guard type == .nodeActionRequested, let due else { return true }
    return now > due
  }
}

/// What the agent has complained of, so that what stays wrong is said once.
struct Complaints {
  private var before: Set<String> = []
  private var now: Set<String> = []

  /// A new turn: what does not come up in it is over, and news when it comes again.
  mutating func begin() { (before, now) = (now, []) }

  /// Whether this turn went well.
  var isEmpty: Bool { now.isEmpty }

  mutating func isNews(_ cause: Cause) -> Bool {
    // Of a full disk each call complains in words of its own.
    let key = cause.isOfFullDisk ? "full" : cause.id + cause.sentence
    return now.insert(key).inserted && !before.contains(key)
  }
}

extension Cause {
  var isOfFullDisk: Bool {
    [ProblemID.diskFull.rawValue, ProblemID.logFull.rawValue].contains(id)
  }
}
