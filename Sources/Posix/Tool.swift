import Glibc

/// Another project's program, run with its output read line by line. It is killed when this process ends.
public struct Tool: Sendable {
  public enum Ending: Hashable, Sendable {
    case exit(Exit)
    /// It was killed because this process got the signal.
    case interrupted(Signal)
    /// It was killed because the caller had enough of its output.
    case cut
    /// It was killed at the deadline.
    case expired
  }

  let invocation: Invocation
  /// Signals to this process that end the tool.
  let interrupts: Signals?

  public init(invocation: Invocation, interrupts: Signals?) {
    (self.invocation, self.interrupts) = (invocation, interrupts)
  }

  /// - Parameters:
  ///   - input: its standard input.
  ///   - errors: where its standard error goes; nil for among the output.
  ///   - deadline: when it is killed, in milliseconds of the monotonic clock.
  ///   - isEnough: asked after each part of the output; if it is true, the program is killed.
  ///   - receive: called with each line of standard output and error, in the order written.
  public func run(
    input: Child.Stream = .null, errors: Child.Stream? = nil, deadline: Int64? = nil,
    until isEnough: () -> Bool = { false },
    _ receive: (String) -> Void
  ) throws(PosixError) -> Ending {
    let (child, output) = try invocation.startPiped(
      input: input, errors: errors, newSession: true, deathSignal: .kill)
    // The limit is high, since a secret that is cut in two could not be masked.
    var splitter = LineSplitter(longest: 1 << 20)
    var over: Int64?
    defer { for line in splitter.finish() { receive(line) } }
    var loop = EventLoop<Source>(signals: interrupts)
    loop.watch(output.descriptor, as: .output)
    while true {
      let turn = try loop.wait(until: Clock.monotonic() + 250)
      if let signal = turn.signals.first {
        Self.end(child)
        return .interrupted(signal)
      }
      if let deadline, Clock.monotonic() >= deadline {
        Self.end(child)
        return .expired
      }
      if turn.has(.output) {
        let part = try output.read(upTo: 65_536)
        for line in splitter.feed(part) { receive(line) }
        if isEnough() {
          Self.end(child)
          return .cut
        }
        if part.isEmpty { return .exit(child.wait()) }
      }
      // The tool may have ended while a process that it started holds its output open.
      if ProcessTable.stat(child.pid)?.state == "Z" {
        over = over ?? Clock.monotonic() + 1000
        if turn.isEmpty || Clock.monotonic() > over ?? 0 { return .exit(child.wait()) }
      }
    }
  }

  private enum Source { case output }

  /// Kills a program and its descendants. It is stopped first, so that it starts no others meanwhile.
  private static func end(_ child: Child) {
    child.signal(.stop)
    ProcessTable.endDescendants(of: child.pid)
    child.signalGroup(.kill)
    _ = child.wait()
  }
}
