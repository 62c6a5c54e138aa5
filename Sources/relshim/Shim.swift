import HomeLayout
import Posix

/// The parent of one run, from its start to the end of its last descendant.
struct Shim {
  private let options: ShimOptions
  private let lock: Lock
  private var loop: EventLoop<Source>
  private var status: RunStatus
  private var log: LogWriter
  private var boot: BootRecord
  private var child: Child
  private let output: File
  private let startedAt = Clock.monotonic()

  /// When relshim was asked to stop the run, and when it last sent the run a signal.
  private var askedAt: Int64?
  private var toldAt: Int64?

  private enum Source { case output, arguments, boot, nextStep }

  struct AlreadyRunning: Error, CustomStringConvertible {
    var path: String
    var description: String { "the run in '\(path)' was started by a relshim before" }
  }

  /// Takes the run's folder and starts the command.
  init(_ options: ShimOptions) throws {
    self.options = options
    guard let lock = try Lock.take(options.folder.lock) else {
      throw AlreadyRunning(path: options.folder.path)
    }
    self.lock = lock
    // A run is started once: one that has a status has been started before.
    if Files.exists(options.folder.status) { throw AlreadyRunning(path: options.folder.path) }
    loop = EventLoop(signals: try Signals([.term, .int, .hup, .chld]))
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
      options.command, in: options.folder.path, environment: try options.environment(),
      as: options.confinement, inGroup: options.group)
    boot = BootRecord(options.folder, exec: Clock.microseconds())
    do throws(PosixError) {
      child = try Child.start(
        invocation, output: .file(writing), errors: .file(writing), newSession: true)
    } catch {
      status.exit = .notStarted(errno: error.errno.rawValue)
      status.ended = Timestamp(milliseconds: Clock.now())
      try Files.replace(options.folder.status, with: Array(status.text.utf8))
      throw error
    }
    loop.watch(output.descriptor, as: .output)
    loop.watch(boot.watch?.file.descriptor, as: .arguments)
    status.process = ProcessIdentity(of: child.pid).map(RunStatus.Process.init)
    record()
  }

  /// Returns when no process of the run is left; its status says how it ended.
  mutating func run() throws {
    while status.exit == nil {
      loop.wake(.nextStep, at: nextStep())
      try takeTurn()
      if askedAt != nil { pressOn() }
    }
    try awaitGroup()
    endDescendants()
    drain()
    status.ended = Timestamp(milliseconds: Clock.now())
    record()
    startAgentIfNeeded()
  }

  private mutating func takeTurn() throws {
    loop.wake(.boot, at: boot.nextStep)
    let turn = try loop.wait()
    // The arguments are read before the first line is printed.
    if turn.has(.arguments) { boot.noteArguments() }
    if turn.has(.output) { copyOutput() }
    if turn.has(.boot) { log.append(boot.advance()) }
    for signal in turn.signals {
      if signal == .chld { reap() } else { beginToStop() }
    }
  }

  private mutating func beginToStop() {
    guard askedAt == nil else { return }
    askedAt = Clock.monotonic()
    status.wasAsked = true
    record()
  }

  /// Waits for the run's first process and for orphans, of which relshim becomes the parent.
  private mutating func reap() {
    while let (pid, exit) = Child.reapAny() {
      guard pid == child.pid else { continue }
      switch exit {
      case .code(let code): status.exit = .code(code)
      case .signal(let signal): status.exit = .signal(signal.rawValue)
      }
    }
  }

  /// A BEAM that has just been started loses a SIGTERM, so the signal is repeated. SIGTERM makes it call `init:stop`,
  /// which may be called twice.
  private static let youth: Int64 = 1000
  private static let repetition: Int64 = 100

  private var isYoung: Bool { Clock.monotonic() - startedAt < Self.youth || boot.isBooting }

  private mutating func pressOn() {
    guard let askedAt, status.exit == nil else { return }
    let now = Clock.monotonic()
    if now - askedAt >= options.grace {
      noteKilled()
      child.signal(.kill)
      endDescendants()
    } else if toldAt.map({ isYoung && now - $0 >= Self.repetition }) ?? true {
      toldAt = now
      // The whole group gets the signal: a command of several programs has a shell between relshim and the BEAM.
      // The BEAM's own helper ignores SIGTERM, and port programs have groups of their own.
      child.signalGroup(.term)
    }
  }

  /// Writes down which processes did not end within the grace period.
  private func noteKilled() {
    let left = ProcessTable.descendants(of: Program.processID).filter { !$0.hasEnded }
    let names = left.prefix(5).map { "\(ProcessTable.name(of: $0.pid)) (pid \($0.pid))" }
    let text = names.joined(separator: ", ") + (left.count > 5 ? " and \(left.count - 5) more" : "")
    try? Files.replace(options.folder.killed, with: Array(text.utf8))
  }

  /// After the first process of the group has ended, the others have the rest of the grace period.
  private mutating func awaitGroup() throws {
    guard let askedAt else { return }
    while child.hasGroup, Clock.monotonic() - askedAt < options.grace {
      loop.wake(.nextStep, at: Clock.monotonic() + Self.repetition)
      try takeTurn()
    }
  }

  private func nextStep() -> Int64? {
    guard let askedAt else { return nil }
    let now = Clock.monotonic()
    let end = max(now + 20, askedAt + options.grace)
    return isYoung ? min(now + Self.repetition, end) : end
  }

  private mutating func copyOutput() {
    boot.awaitMore()
    guard let bytes = try? output.read(upTo: 65_536) else { return }
    // A run may close its output and live on; a pipe at its end would be readable for ever.
    if bytes.isEmpty { loop.watch(nil, as: .output) }
    log.append(boot.take(bytes))
  }

  /// Port programs have sessions of their own and outlive their BEAM; relshim, the subreaper, is their parent by then.
  private mutating func endDescendants() {
    ProcessTable.endDescendants(of: Program.processID) { reap() }
  }

  /// Takes what is still in the pipe; the processes that wrote to it have ended.
  private mutating func drain() {
    let last = Poll.Interest(output.descriptor)
    while let ready = try? Poll.wait([last], milliseconds: 0), !ready.isEmpty,
      let bytes = try? output.read(upTo: 65_536), !bytes.isEmpty
    {
      log.append(boot.take(bytes))
    }
    log.append(boot.finish())
    log.finish()
  }

  /// A full disk does not end the run: the next change is written again, and the last one has room reserved for it.
  private func record() {
    let (text, spare) = (Array(status.text.utf8), SpareStatus(options.folder))
    do throws(PosixError) { try Files.replace(options.folder.status, with: text) } catch {
      if status.ended != nil { try? spare.use(text) }
    }
    if status.ended != nil { spare.remove() }
  }

  /// An agent has to record that the run has ended, and may have to replace it.
  private func startAgentIfNeeded() {
    if askedAt == nil { options.agent?.startIfNeeded() }
  }
}

extension RunStatus.Process {
  init(_ identity: ProcessIdentity) { self.init(pid: identity.pid, started: identity.started) }
}
