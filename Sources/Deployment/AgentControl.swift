import Events
import HomeLayout
import Instance
import Posix
import Router

/// The control of the agent from other programs: whether it is alive, how to start it and stop it.
public struct AgentControl: Sendable {
  let home: Home

  public init(home: Home) { self.home = home }

  public func isRunning() throws(Cause) -> Bool {
    do throws(PosixError) { return try Lock.isHeld(home.agentLock) } catch { throw Cause(error) }
  }

  /// Records the time of the agent's wake-up in the file system.
  func stamp() { try? Files.touch(home.agentLock) }

  /// Milliseconds in which an agent should wake after a line was appended to the log.
  public static let patience: Int64 = 3000

  /// The same for an agent that computes or waits for the disk, as it does on a busy host.
  static let busyPatience: Int64 = 30_000

  /// Milliseconds by which the file system's time may be behind the clock: it advances with the kernel's ticks. utimensat(2)
  private static let tick: Int64 = 20

  /// The reason why the agent may not have read a line of the log: its process is stopped, or it has not woken since.
  /// - Parameter moment: when the line was written.
  /// - Returns: nil if no agent runs, or if it wakes as it should.
  public func silence(since moment: Timestamp, now: Timestamp) -> Cause? {
    guard let process = process(), let time = Files.modified(home.agentLock) else { return nil }
    return Self.silence(
      of: process.pid, state: ProcessTable.stat(process.pid)?.state,
      woken: Timestamp(milliseconds: time / 1_000_000), since: moment, now: now)
  }

  /// - Parameter state: the state letter of the agent's process. proc(5)
  static func silence(
    of pid: Int32, state: Character?, woken: Timestamp, since moment: Timestamp, now: Timestamp
  ) -> Cause? {
    let since = "since \(woken)"
    if state == "T" {
      return Cause(
        .agentSilent,
        "the agent (pid \(pid)) is stopped by a signal; it has not woken \(since)",
        remedy: "Resume it: kill -CONT \(pid)")
    }
    let isBusy = state == "R" || state == "D"
    guard woken + tick < moment, now - moment > (isBusy ? busyPatience : patience) else {
      return nil
    }
    return Cause(
      .agentSilent, "the agent (pid \(pid)) has not woken \(since)",
      remedy:
        "Kill it and start another, which continues its work: kill -9 \(pid); relctl agent start"
    )
  }

  /// Makes this process the home's agent for the lifetime of the lock.
  func take() throws(Cause) -> Lock {
    try home.checkOwner()
    do throws(PosixError) {
      try Files.makeFolder(home.root)
      guard let lock = try Lock.take(home.agentLock) else {
        throw PosixError("lock", home.agentLock, .exists)
      }
      let own = ProcessIdentity(of: Program.processID)
      let text = Array(
        "format \(HomeFormat.current)\npid \(Program.processID) \(own?.started ?? 0)\n".utf8)
      // The file is truncated after the write: an emptied file would stay empty on a full disk.
      try lock.file.write(text, at: 0)
      try lock.file.truncate(to: text.count)
      return lock
    } catch {
      if error.errno == .exists {
        throw Cause(.agentRunning, "an agent serves '\(home.root)' already")
      }
      throw Cause(error, as: .homeUnwritable)
    }
  }

  /// The process that holds the lock; nil if it cannot be identified.
  public func process() -> ProcessIdentity? {
    guard (try? isRunning()) == true, let bytes = try? Files.read(home.agentLock, limit: 4096)
    else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let words = lines.last?.split(separator: " ") ?? []
    guard words.count == 3, let pid = Int32(words[1]), let started = UInt64(words[2]) else {
      return nil
    }
    return ProcessIdentity(pid: pid, started: started)
  }

  /// Starts an agent if none is alive, and waits until it serves.
  /// - Parameter program: the path of `relctl`.
  public func ensure(program: String, environment: [String: String]) throws(Cause) {
    if try isRunning() { return }
    try home.checkOwner()
    let unit = AgentUnit(home: home, environment: environment)
    if unit.isInCharge {
      try unit.start()
      return try waitUntilServing()
    }
    do throws(PosixError) {
      try Files.makeFolder(home.root)
      // An agent can run even if its output cannot be kept.
      let log = (try? File.open(home.agentLog, .append)).map { Child.Stream.file($0) } ?? .null
      let kept = environment.filter {
        ["PATH", "LANG", "HOME", "ERL_EPMD_PORT", RouterProgram.variable].contains($0.key)
      }
      let invocation = Invocation(
        [program, "agent", "--home", home.root], in: "/", environment: kept)
      _ = try Child.start(
        invocation, output: log, errors: log, newSession: true)
    } catch { throw Cause(error, as: .agentAbsent, lead: Self.failure) }
    try waitUntilServing()
  }

  /// - Throws: `RT-AGENT-STOPPED` if no agent runs and none may be started, so that a request would
  ///   wait in vain.
  public func requireStartable(environment: [String: String]) throws(Cause) {
    if try isRunning() { return }
    try home.checkOwner()
    try AgentUnit(home: home, environment: environment).requireNotStopped()
  }

  private static let failure = "the agent does not start: "

  /// Waits for an agent that was just started.
  public func waitUntilServing() throws(Cause) {
    let limit = Clock.monotonic() + 5000
    while Clock.monotonic() < limit {
      if try isRunning() { return }
      Clock.pause(milliseconds: 5)
    }
    let error = PosixError("find it running; it writes to", home.agentLog, .timedOut)
    throw Cause(error, as: .agentAbsent, lead: Self.failure)
  }

  /// Asks the agent to stop, and waits until it has; the instances keep running.
  /// - Returns: false if no agent was alive.
  public func stop() throws(Cause) -> Bool {
    guard let process = process() else { return false }
    process.signal(.term)
    let limit = Clock.monotonic() + 10_000
    while Clock.monotonic() < limit {
      if !process.isAlive { return true }
      Clock.pause(milliseconds: 5)
    }
    throw Cause(.waitedTooLong, "the agent (pid \(process.pid)) does not stop")
  }
}
