import CPosix
import Glibc

/// A program to run, as a value: nothing happens before it is started.
public struct Invocation: Hashable, Sendable {
  /// The program, a path or a name to be found in `PATH` of `environment`, then its arguments.
  public var arguments: [String]
  public var directory: String?
  public var environment: [String: String]
  /// The rights that it gets if root starts it; nil for those of this process.
  public var confinement: Confinement?
  /// The folder of the control group in which it is from its first instruction on; nil for that of this process.
  public var group: String?

  /// The folders in which a system keeps its programs, for commands that are run without a user's `PATH`.
  public static let standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  public init(
    _ arguments: [String], in directory: String? = nil, environment: [String: String],
    as confinement: Confinement? = nil, inGroup group: String? = nil
  ) {
    (self.arguments, self.directory, self.environment) = (arguments, directory, environment)
    (self.confinement, self.group) = (confinement, group)
  }

  /// The program's path: as given if it has a slash, else the first match in `PATH`.
  public func program() throws(PosixError) -> String {
    let name = arguments.first ?? ""
    if name.contains("/") { return name }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(folder)/\(name)"
      if Files.isExecutableFile(path) { return path }
    }
    throw PosixError("run", name, .noSuchFile)
  }
}

/// How a process ended.
public enum Exit: Hashable, Sendable {
  case code(Int32)
  case signal(Signal)

  /// - Parameters: as `cposix_wait` gives them: the exit code, and the ending signal or 0.
  fileprivate init(_ code: Int32, _ signal: Int32) {
    self = signal == 0 ? .code(code) : .signal(Signal(rawValue: signal))
  }
}

/// A child of this process.
public struct Child: Sendable {
  public let pid: pid_t

  public enum Stream: Sendable {
    case null
    /// The stream of this process.
    case inherited
    case file(File)
  }

  /// Starts a program with just these three streams open, and the descriptors of `more`. vfork(2), execve(2)
  /// - Parameters:
  ///   - more: files that it gets as the descriptors 4, 5 and so on; at most 16.
  ///   - newSession: whether it gets a session of its own, so that no signal of our terminal reaches it. setsid(2)
  ///   - deathSignal: sent to it when the thread that starts it ends, for any reason. prctl(2)
  public static func start(
    _ invocation: Invocation, input: Stream = .null, output: Stream = .inherited,
    errors: Stream = .inherited, more: [File] = [], newSession: Bool = false,
    deathSignal: Signal? = nil
  ) throws(PosixError) -> Child {
    let program = try invocation.program()
    let null = try File.open("/dev/null", .update)
    let streams = [(input, 0), (output, 1), (errors, 2)].map { stream, own in
      switch stream {
      case .null: null.descriptor
      case .inherited: Int32(own)
      case .file(let file): file.descriptor
      }
    }
    let environment = invocation.environment.map { $0 + "=" + $1 }.sorted()
    let group = try invocation.group.map { path throws(PosixError) in
      try File.open("cgroup.procs", .extend, in: .open(path, .folder))
    }
    defer { withExtendedLifetime(group) {} }
    var start = cposix_start(
      new_session: newSession ? 1 : 0, parent_death_signal: deathSignal?.rawValue ?? 0,
      group: group?.descriptor ?? -1, user: invocation.confinement?.user ?? 0, view: nil, more: nil,
      more_count: Int32(more.count))
    var pid: pid_t = 0
    let reason = withCStrings(invocation.arguments) { arguments in
      withCStrings(environment) { environment in
        withView(invocation.confinement?.view) { view in
          more.map(\.descriptor).withUnsafeBufferPointer { more in
            (start.view, start.more) = (view, more.baseAddress)
            return cposix_spawn(
              program, arguments, environment, invocation.directory, streams, start, &pid)
          }
        }
      }
    }
    if reason != 0 { throw PosixError("run", program, Errno(rawValue: reason)) }
    return Child(pid: pid)
  }

  /// Waits until it ends. waitpid(2)
  public func wait() -> Exit {
    var (code, signal): (Int32, Int32) = (-1, 0)
    _ = cposix_wait(pid, 1, &code, &signal)
    return Exit(code, signal)
  }

  /// Waits until it ends, and kills it at `end`, in milliseconds of the monotonic clock.
  public func wait(until end: Int64?) -> Exit {
    if let end, let watch = ProcessIdentity(of: pid)?.endWatch() {
      _ = try? Poll.isReady(Poll.Interest(watch.descriptor), before: end)
      // A child that has ended keeps its number until it is waited for, so the signal reaches no other process.
      signal(.kill)
    }
    return wait()
  }

  /// Waits until it ends, and passes on to it the arriving signals that are in `passed`.
  public func wait(passing passed: Set<Signal>, of signals: Signals) throws(PosixError) -> Exit {
    var loop = EventLoop<pid_t>(signals: signals)
    guard let end = ProcessIdentity(of: pid)?.endWatch() else { return wait() }
    loop.watch(end.descriptor, as: pid)
    // The loop has only the number of the descriptor.
    defer { withExtendedLifetime(end) {} }
    while true {
      let turn = try loop.wait()
      if turn.has(pid) { return wait() }
      for signal in turn.signals where passed.contains(signal) { self.signal(signal) }
    }
  }

  /// A child that has ended; nil if none has. The orphans that a subreaper adopts are children, too.
  public static func reapAny() -> (pid: pid_t, exit: Exit)? {
    var (code, signal): (Int32, Int32) = (-1, 0)
    let pid = cposix_wait(-1, 0, &code, &signal)
    return pid > 0 ? (pid, Exit(code, signal)) : nil
  }

  /// How it ended; nil if it still runs. Once this has returned an exit, the pid is free, and this value must not be
  /// used any more. waitpid(2)
  public func exitIfEnded() -> Exit? {
    var (code, signal): (Int32, Int32) = (-1, 0)
    guard cposix_wait(pid, 0, &code, &signal) != 0 else { return nil }
    return Exit(code, signal)
  }

  public func signal(_ signal: Signal) { kill(pid, signal.rawValue) }

  /// Sends a signal to the processes of the session that the child was started with. kill(2)
  public func signalGroup(_ signal: Signal) { kill(-pid, signal.rawValue) }

  /// Whether a process of the session that the child was started with is left.
  public var hasGroup: Bool { kill(-pid, 0) == 0 }

  /// From now on this process is the parent of every orphan among its descendants. prctl(2)
  public static func becomeSubreaper() throws(PosixError) {
    try check("become parent of", "orphans") { cposix_become_subreaper() }
  }
}

extension Invocation {
  public struct Result: Hashable, Sendable {
    public var exit: Exit
    public var output: [UInt8]

    public var text: String { String(decoding: output, as: UTF8.self) }
    public var isSuccess: Bool { exit == .code(0) }
  }

  /// Runs it to its end and returns its output.
  /// - Parameters:
  ///   - errors: where standard error goes; nil puts it into the output, in the order written.
  ///   - limit: milliseconds after which it is killed; nil waits for ever.
  public func run(
    input: Child.Stream = .null, errors: Child.Stream? = nil, limit: Int64? = nil
  ) throws(PosixError) -> Result {
    var output: [UInt8] = []
    let exit = try run(input: input, errors: errors, limit: limit) { output += $0 }
    return Result(exit: exit, output: output)
  }

  /// Runs it to its end and passes on its output as it arrives.
  public func run(
    input: Child.Stream = .null, errors: Child.Stream? = nil, limit: Int64? = nil,
    _ receive: ([UInt8]) -> Void
  ) throws(PosixError) -> Exit {
    let (child, reading) = try startPiped(input: input, errors: errors)
    let end = limit.map { Clock.monotonic() + $0 }
    while try Poll.isReady(Poll.Interest(reading.descriptor), before: end) {
      let part = try reading.read(upTo: 65_536)
      if part.isEmpty { return child.wait(until: end) }
      receive(part)
    }
    child.signal(.kill)
    return child.wait()
  }

  /// Starts it with a pipe for its output. On return this process has closed its copy of the writing end, so that the
  /// end of the output can be seen.
  /// - Parameters:
  ///   - errors: where standard error goes; nil means the same pipe.
  ///   - newSession, deathSignal: see `Child.start`.
  public func startPiped(
    input: Child.Stream = .null, errors: Child.Stream? = nil, newSession: Bool = false,
    deathSignal: Signal? = nil
  ) throws(PosixError) -> (child: Child, output: File) {
    let (reading, writing) = try File.pipe()
    let child = try Child.start(
      self, input: input, output: .file(writing), errors: errors ?? .file(writing),
      newSession: newSession, deathSignal: deathSignal)
    return (child, reading)
  }
}

/// Hands a view as C has it to `body`; NULL for nil.
private func withView<Result>(
  _ view: Confinement.View?, _ body: (UnsafePointer<cposix_view>?) -> Result
) -> Result {
  guard let view else { return body(nil) }
  return withCStrings(view.writable) { writable in
    withCStrings(view.readable) { readable in
      view.hidden.withCString { hidden in
        Confinement.View.alias.withCString { alias in
          let view = cposix_view(
            hidden: hidden, writable: writable, readable: readable,
            alias: view.hasAlias ? alias : nil)
          return withUnsafePointer(to: view) { body($0) }
        }
      }
    }
  }
}

/// Hands an array of C strings, ended by NULL, to `body`.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
  pointers.append(nil)
  defer { for pointer in pointers { free(pointer) } }
  return body(pointers)
}
