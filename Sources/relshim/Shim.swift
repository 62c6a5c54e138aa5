import Glibc
import HomeLayout
import Posix

/// One run from its start to the end of its last descendant.
struct Shim {
  private let options: Options
  private let lock: Lock
  private let signals: Signals
  private var status: RunStatus
  private var log: LogWriter
  private var child: Child
  private let output: File
  /// A run may close its output and live on; a pipe at its end can be read for ever.
  private var isOutputOpen = true
  private let startedAt = Clock.monotonic()

  /// When the run was asked to stop, and when it was told so last.
  private var askedAt: Int64?
  private var toldAt: Int64?

  struct AlreadyRunning: Error, CustomStringConvertible {
    var path: String
    var description: String { "the run of '\(path)' has had its relshim" }
  }

  /// Takes the run's folder and starts the command.
  init(_ options: Options) throws {
    self.options = options
    guard let lock = try Lock.take(options.folder.lock) else {
      throw AlreadyRunning(path: options.folder.path)
    }
    self.lock = lock
    // Nothing runs twice: a run that has a status had its turn, whoever asks again.
    if Files.exists(options.folder.status) { throw AlreadyRunning(path: options.folder.path) }
    signals = try Signals([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    try Child.becomeSubreaper()
    log = try LogWriter(options.folder)
    guard let own = ProcessIdentity(of: Program.processID) else {
      throw PosixError("read", "/proc/self/stat", .noSuchFile)
    }
    status = RunStatus(boot: ProcessTable.bootID, shim: RunStatus.Process(own))
    try Files.replace(options.folder.status, with: Array(status.text.utf8))
    try SpareStatus(options.folder).make()

    let (reading, writing) = try File.pipe()
    output = reading
    let invocation = Invocation(
      options.command, in: options.folder.path, environment: Environment.current)
    do throws(PosixError) {
      child = try Child.start(
        invocation, output: .file(writing), errors: .file(writing), newSession: true)
    } catch {
      status.exit = .notStarted(errno: error.errno.rawValue)
      status.ended = Timestamp(milliseconds: Clock.now())
      try Files.replace(options.folder.status, with: Array(status.text.utf8))
      throw error
    }
    status.process = ProcessIdentity(of: child.pid).map(RunStatus.Process.init)
    record()
  }

  /// Returns when nothing of the run is left; what became of it stands in its status.
  mutating func run() throws {
    while status.exit == nil {
      let ready = try Poll.wait(sources, milliseconds: untilNextStep())
      if ready.contains(output.descriptor) { copyOutput() }
      while let signal = signals.next() { receive(signal) }
      if askedAt != nil { pressOn() }
    }
    try awaitGroup()
    endDescendants()
    drain()
    status.ended = Timestamp(milliseconds: Clock.now())
    record()
    startAgentIfNeeded()
  }

  private mutating func receive(_ signal: Int32) {
    if signal != SIGCHLD {
      guard askedAt == nil else { return }
      askedAt = Clock.monotonic()
      status.wasAsked = true
      record()
      return
    }
    reap()
  }

  /// Our own child and the orphans that became ours.
  private mutating func reap() {
    while let (pid, exit) = Child.reapAny() {
      guard pid == child.pid else { continue }
      switch exit {
      case .code(let code): status.exit = .code(code)
      case .signal(let signal): status.exit = .signal(signal)
      }
    }
  }

  /// A BEAM loses a SIGTERM in its first moments, so a young one is told again and again; SIGTERM asks it for
  /// `init:stop`, and asking twice does no harm.
  private static let youth: Int64 = 1000
  private static let repetition: Int64 = 100

  private var isYoung: Bool { Clock.monotonic() - startedAt < Self.youth }

  private mutating func pressOn() {
    guard let askedAt, status.exit == nil else { return }
    let now = Clock.monotonic()
    if now - askedAt >= options.grace {
      child.signal(SIGKILL)
      endDescendants()
    } else if toldAt.map({ isYoung && now - $0 >= Self.repetition }) ?? true {
      toldAt = now
      // To the whole group: a command of several programs has a shell between us and the BEAM.
      // The BEAM's own helper ignores SIGTERM, and port programs have groups of their own.
      kill(-child.pid, SIGTERM)
    }
  }

  /// The first process of a group may end before the others, which are still being polite.
  private var isGroupPolite: Bool {
    guard let askedAt, kill(-child.pid, 0) == 0 else { return false }
    return Clock.monotonic() - askedAt < options.grace
  }

  private mutating func awaitGroup() throws {
    while isGroupPolite {
      let ready = try Poll.wait(sources, milliseconds: Self.repetition)
      if ready.contains(output.descriptor) { copyOutput() }
      while let signal = signals.next() { receive(signal) }
    }
  }

  private func untilNextStep() -> Int64? {
    guard let askedAt else { return nil }
    let untilEnd = max(20, askedAt + options.grace - Clock.monotonic())
    return isYoung ? min(Self.repetition, untilEnd) : untilEnd
  }

  private var sources: [Int32] {
    isOutputOpen ? [signals.file.descriptor, output.descriptor] : [signals.file.descriptor]
  }

  private mutating func copyOutput() {
    guard let bytes = try? output.read(upTo: 65_536) else { return }
    isOutputOpen = !bytes.isEmpty
    log.append(bytes)
  }

  /// Port programs live in sessions of their own and outlive their BEAM; as subreaper we are their parent by then.
  private mutating func endDescendants() {
    let limit = Clock.monotonic() + 5000
    while Clock.monotonic() < limit {
      let left = ProcessTable.descendants(of: Program.processID)
      if left.isEmpty { return }
      for process in left { kill(process.pid, SIGKILL) }
      _ = try? Poll.wait([signals.file.descriptor], milliseconds: 20)
      reap()
    }
  }

  /// Takes what is still in the pipe; its writers are gone.
  private mutating func drain() {
    while let ready = try? Poll.wait([output.descriptor], milliseconds: 0), !ready.isEmpty,
      let bytes = try? output.read(upTo: 65_536), !bytes.isEmpty
    {
      log.append(bytes)
    }
    log.finish()
  }

  /// A full disk must not end the run: the next change is tried again, and the last one has its own room.
  private func record() {
    let (text, spare) = (Array(status.text.utf8), SpareStatus(options.folder))
    do throws(PosixError) { try Files.replace(options.folder.status, with: text) } catch {
      if status.ended != nil { try? spare.use(text) }
    }
    if status.ended != nil { spare.remove() }
  }

  /// Somebody must notice that the run ended, and may have to replace it.
  private func startAgentIfNeeded() {
    guard askedAt == nil, let agent = options.agent,
      (try? Lock.isHeld(agent.home.agentLock)) == false
    else { return }
    // Not the run's own PATH: the slug comes first in that.
    let environment = ["PATH": Invocation.standardPath, "LANG": "C.UTF-8"]
    let invocation = Invocation(
      [agent.program, "agent", "start", "--home", agent.home.root], in: "/",
      environment: environment)
    _ = try? Child.start(invocation, output: .null, errors: .null, newSession: true).wait()
  }
}

extension RunStatus.Process {
  init(_ identity: ProcessIdentity) { self.init(pid: identity.pid, started: identity.started) }
}
