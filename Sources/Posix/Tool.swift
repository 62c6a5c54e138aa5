import Glibc

/// Another project's program, run with its output read line by line. It is killed when we end, however that comes.
public struct Tool: Sendable {
  public enum Ending: Hashable, Sendable {
    case exit(Exit)
    /// It was killed because this signal came to us.
    case interrupted(Signal)
    /// It was killed because nobody wanted more of it.
    case cut
    /// It was killed because its time was over.
    case expired
  }

  let invocation: Invocation
  /// Signals that end it.
  let interrupts: Signals?

  public init(invocation: Invocation, interrupts: Signals?) {
    self.invocation = invocation
    self.interrupts = interrupts
  }

  /// - Parameters:
  ///   - input: what it reads.
  ///   - deadline: on the monotonic clock; where it lives on then, it is killed.
  ///   - isEnough: asked after lines were handed over; where it is so, the program is killed.
  ///   - receive: gets each line of standard output and error, in the order written.
  public func run(
    input: Child.Stream = .null, deadline: Int64? = nil, until isEnough: () -> Bool = { false },
    _ receive: (String) -> Void
  ) throws(PosixError) -> Ending {
    let (child, output) = try invocation.startPiped(
      input: input, newSession: true, deathSignal: .kill)
    // A line that is cut may hold half of what is to be masked in each piece.
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
      // It has ended, and something it left behind holds its output open, or goes on writing.
      if ProcessTable.stat(child.pid)?.state == "Z" {
        over = over ?? Clock.monotonic() + 1000
        if turn.isEmpty || Clock.monotonic() > over ?? 0 { return .exit(child.wait()) }
      }
    }
  }

  private enum Source { case output }

  /// Kills a program with all that it started. It is stopped first, so that it starts no more meanwhile.
  private static func end(_ child: Child) {
    child.signal(.stop)
    ProcessTable.endDescendants(of: child.pid)
    child.signalGroup(.kill)
    _ = child.wait()
  }
}
