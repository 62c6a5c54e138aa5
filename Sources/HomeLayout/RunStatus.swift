/// The status of a run, which `relshim` writes to the file `status` and replaces by rename at each change.
///
/// The file is text with a `key value` pair in each line, the format number first:
/// ```
/// format 1
/// boot 6f1c2a9e-…
/// shim 812 4711
/// pid 814 4712
/// exit 1
/// ended 2026-11-21T07:05:09.042Z
/// ```
/// Each pid has the start time of its process beside it (field 22 of `/proc/PID/stat`, in clock
/// ticks since boot), because another process may have the same pid later.
public struct RunStatus: Hashable, Sendable {
  /// A process, identified by pid and start time.
  public struct Process: Hashable, Sendable {
    public var pid: Int32
    /// Clock ticks since the host booted.
    public var started: UInt64

    public init(pid: Int32, started: UInt64) {
      (self.pid, self.started) = (pid, started)
    }
  }

  public enum Exit: Hashable, Sendable {
    case code(Int32)
    case signal(Int32)
    /// The program could not be started; the errno says why.
    case notStarted(errno: Int32)
  }

  /// The host's boot that the pids belong to; after the next boot they belong to other processes.
  public var boot: String
  public var shim: Process
  /// The run's own process; nil until it is started.
  public var process: Process?
  public var exit: Exit?
  public var ended: Timestamp?
  /// Whether `relshim` was asked to stop the run.
  public var wasAsked = false

  public init(boot: String, shim: Process) {
    (self.boot, self.shim) = (boot, shim)
  }
}

extension RunStatus {
  public enum ReadingError: Error, Equatable, Sendable {
    case newerFormat(Int)
    case line(Int)
  }

  public var text: String {
    var lines = ["format \(HomeFormat.current)", "boot \(boot)"]
    lines.append("shim \(shim.pid) \(shim.started)")
    if let process { lines.append("pid \(process.pid) \(process.started)") }
    if wasAsked { lines.append("asked") }
    switch exit {
    case .code(let code): lines.append("exit \(code)")
    case .signal(let signal): lines.append("signal \(signal)")
    case .notStarted(let errno): lines.append("failed \(errno)")
    case nil: break
    }
    if let ended { lines.append("ended \(ended)") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// - Throws: the number of the first invalid line, counted from 1. The format comes first, so
  ///   that a newer file is refused before the rest is read.
  public init(text: String) throws(ReadingError) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    try Self.checkFormat(lines.first ?? "")
    var shim: Process?
    var status = RunStatus(boot: "", shim: Process(pid: 0, started: 0))
    for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
      let words = line.split(separator: " ")
      let numbers = words.dropFirst().map { Int64($0) }
      let isRight: Bool
      switch (words.first, numbers.count) {
      case ("boot", 1):
        status.boot = String(words[1])
        isRight = true
      case ("shim", 2):
        shim = Process(numbers)
        isRight = shim != nil
      case ("pid", 2):
        status.process = Process(numbers)
        isRight = status.process != nil
      case ("asked", 0):
        status.wasAsked = true
        isRight = true
      case ("exit", 1), ("signal", 1), ("failed", 1):
        status.exit = Exit(words[0], numbers[0])
        isRight = status.exit != nil
      case ("ended", 1):
        status.ended = Timestamp(String(words[1]))
        isRight = status.ended != nil
      default: isRight = false
      }
      if !isRight { throw .line(index + 1) }
    }
    guard let shim else { throw .line(1) }
    status.shim = shim
    self = status
  }

  private static func checkFormat(_ line: Substring) throws(ReadingError) {
    let words = line.split(separator: " ")
    guard words.count == 2, words[0] == "format", let format = Int(words[1]), format > 0 else {
      throw .line(1)
    }
    if format > HomeFormat.current { throw .newerFormat(format) }
  }
}

extension RunStatus.Exit {
  fileprivate init?(_ word: Substring, _ number: Int64?) {
    guard let number = number.flatMap({ Int32(exactly: $0) }) else { return nil }
    switch word {
    case "exit": self = .code(number)
    case "signal": self = .signal(number)
    default: self = .notStarted(errno: number)
    }
  }
}

extension RunStatus.Process {
  /// Reads the numbers behind a word of a status.
  init?(_ numbers: [Int64?]) {
    guard numbers.count == 2, let pid = numbers[0].flatMap({ Int32(exactly: $0) }), pid > 0,
      let started = numbers[1].flatMap({ UInt64(exactly: $0) })
    else { return nil }
    self.init(pid: pid, started: started)
  }
}
