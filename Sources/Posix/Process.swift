import CPosix
import Glibc

/// A program to run, as a value: nothing happens before it is started.
public struct Invocation: Hashable, Sendable {
  /// The program, a path or a name to be found in `PATH` of `environment`, then its arguments.
  public var arguments: [String]
  public var directory: String?
  public var environment: [String: String]

  public init(_ arguments: [String], in directory: String? = nil, environment: [String: String]) {
    self.arguments = arguments
    self.directory = directory
    self.environment = environment
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
  case signal(Int32)
}

/// A process with its start time, so that it is never mistaken for a later one with the same number.
public struct ProcessIdentity: Hashable, Sendable {
  public let pid: pid_t
  /// Clock ticks since boot, field 22 of `/proc/PID/stat` (proc(5)).
  public let started: UInt64

  public init(pid: pid_t, started: UInt64) {
    self.pid = pid
    self.started = started
  }

  /// The process that has this number now.
  public init?(of pid: pid_t) {
    guard let stat = ProcessTable.stat(pid) else { return nil }
    self.init(pid: pid, started: stat.started)
  }

  /// Whether this very process still runs (a zombie does not).
  public var isAlive: Bool {
    guard let stat = ProcessTable.stat(pid) else { return false }
    return stat.started == started && stat.state != "Z" && stat.state != "X"
  }

  /// Sends a signal if it is still this very process. kill(2)
  /// - Returns: false where it is gone.
  @discardableResult
  public func signal(_ signal: Int32) -> Bool { isAlive && kill(pid, signal) == 0 }
}

extension ProcessIdentity {
  /// Becomes readable when the process ends, whoever its parent is; nil if it is gone already. pidfd_open(2)
  public func endWatch() -> File? {
    let descriptor = cposix_process_descriptor(pid)
    guard descriptor != -1 else { return nil }
    let file = File(owning: descriptor, name: "process \(pid)")
    // Opened by number: only now is it sure whose end we watch.
    return isAlive ? file : nil
  }
}

/// `/proc`, read as proc(5) describes it.
public enum ProcessTable {
  public struct Stat: Hashable, Sendable {
    public var pid: pid_t
    public var state: Character
    public var parent: pid_t
    public var started: UInt64
    /// Resident memory in bytes.
    public var resident: Int
  }

  public static func stat(_ pid: pid_t) -> Stat? {
    guard let bytes = try? Files.read("/proc/\(pid)/stat", limit: 4096),
      // The second field is the program's name in brackets and may hold anything.
      let bracket = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = String(decoding: bytes[(bracket + 1)...], as: UTF8.self).split(separator: " ")
    guard fields.count > 21, let state = fields[0].first, let parent = pid_t(fields[1]),
      let started = UInt64(fields[19]), let pages = Int(fields[21])
    else { return nil }
    return Stat(
      pid: pid, state: state, parent: parent, started: started,
      resident: pages * Int(sysconf(Int32(_SC_PAGESIZE))))
  }

  public static func all() -> [Stat] {
    ((try? Files.list("/proc")) ?? []).compactMap { pid_t($0) }.compactMap(stat)
  }

  /// Everything started by `pid` and by those, at this moment.
  public static func descendants(of pid: pid_t) -> [Stat] {
    let children = Dictionary(grouping: all(), by: \.parent)
    var found: [Stat] = []
    var waiting = [pid]
    while let next = waiting.popLast() {
      for child in children[next] ?? [] {
        found.append(child)
        waiting.append(child.pid)
      }
    }
    return found
  }
}

/// A process that we started.
public struct Child: Sendable {
  public let pid: pid_t

  public enum Stream: Sendable {
    case null
    /// Ours.
    case inherited
    case file(File)
  }

  /// Starts a program with just these three streams open. fork(2), execve(2)
  /// - Parameter newSession: leaves our session first, so that no signal of our terminal reaches it. setsid(2)
  public static func start(
    _ invocation: Invocation, input: Stream = .null, output: Stream = .inherited,
    errors: Stream = .inherited, newSession: Bool = false
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
    var pid: pid_t = 0
    let reason = withCStrings(invocation.arguments) { arguments in
      withCStrings(environment) { environment in
        cposix_spawn(
          program, arguments, environment, invocation.directory, streams, newSession ? 1 : 0, &pid)
      }
    }
    if reason != 0 { throw PosixError("run", program, Errno(rawValue: reason)) }
    return Child(pid: pid)
  }

  /// Waits until it ends. waitpid(2)
  public func wait() -> Exit {
    var (code, signal): (Int32, Int32) = (-1, 0)
    let result = cposix_wait(pid, 1, &code, &signal)
    return result == pid && signal != 0 ? .signal(signal) : .code(code)
  }

  /// Waits until it ends, and ends it where it lives on at `end`, in milliseconds of the monotonic clock.
  func wait(until end: Int64?) -> Exit {
    if let end, let watch = ProcessIdentity(of: pid)?.endWatch() {
      while Clock.monotonic() < end {
        let left = end - Clock.monotonic()
        if let ready = try? Poll.wait([watch.descriptor], milliseconds: left), !ready.isEmpty {
          break
        }
      }
      // Does nothing to one that has ended: it is ours until we wait for it.
      signal(SIGKILL)
    }
    return wait()
  }

  /// A child of ours that has ended, nil if none has; orphans given to a subreaper are children too.
  public static func reapAny() -> (pid: pid_t, exit: Exit)? {
    var (code, signal): (Int32, Int32) = (-1, 0)
    let pid = cposix_wait(-1, 0, &code, &signal)
    return pid > 0 ? (pid, signal != 0 ? .signal(signal) : .code(code)) : nil
  }

  public func signal(_ number: Int32) { kill(pid, number) }

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

  /// Runs to the end and gives what it wrote.
  /// - Parameters:
  ///   - errors: standard error too, in the order written; else it goes to ours, or nowhere with `.null`.
  ///   - limit: milliseconds after which it is killed; nil waits for ever.
  public func run(
    input: Child.Stream = .null, errors: Child.Stream? = nil, limit: Int64? = nil
  ) throws(PosixError) -> Result {
    var output: [UInt8] = []
    let exit = try run(input: input, errors: errors, limit: limit) { output += $0 }
    return Result(exit: exit, output: output)
  }

  /// Runs to the end and hands over what it writes as it comes.
  public func run(
    input: Child.Stream = .null, errors: Child.Stream? = nil, limit: Int64? = nil,
    _ receive: ([UInt8]) -> Void
  ) throws(PosixError) -> Exit {
    let (child, reading) = try startPiped(input: input, errors: errors)
    let end = limit.map { Clock.monotonic() + $0 }
    while true {
      let left = end.map { max(0, $0 - Clock.monotonic()) }
      if left == 0 {
        child.signal(SIGKILL)
        return child.wait()
      }
      if try Poll.wait([reading.descriptor], milliseconds: left).isEmpty { continue }
      let part = try reading.read(upTo: 65_536)
      if part.isEmpty { return child.wait(until: end) }
      receive(part)
    }
  }

  /// Our copy of the writing end is closed on return, so that the end of the output can be seen.
  private func startPiped(input: Child.Stream, errors: Child.Stream?) throws(PosixError)
    -> (Child, File)
  {
    let (reading, writing) = try File.pipe()
    let child = try Child.start(
      self, input: input, output: .file(writing), errors: errors ?? .file(writing))
    return (child, reading)
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
