import CommandLine
import Events
import Glibc
import Posix
import Terminal

/// The loop of the thread that owns the screen: it waits for input, tells the dashboard and draws changes.
struct Interactive {
  private var session: DashboardSession
  private let screen: CursesScreen
  private var loop: EventLoop<Source>

  /// What the thread waits for.
  private enum Source { case keys, log, agent, output, start, nodes }

  private var lastLook = Clock.monotonic()

  private static let ending = [Signal.term, .hup, .int]

  init(_ session: DashboardSession, _ screen: CursesScreen) throws(Cause) {
    (self.session, self.screen) = (session, screen)
    do throws(PosixError) { loop = EventLoop(signals: try Signals(Self.ending + [.winch])) } catch {
      throw Cause(error)
    }
  }

  /// Runs until the operator quits, a signal ends it or the terminal is gone.
  mutating func run() throws(Cause) -> Outcome {
    defer {
      screen.end()
      session.leave()
    }
    do throws(TerminalError) {
      while !session.isOver {
        if session.takeRedraw() { screen.forgetContent() }
        try screen.draw(session.model.frame())
        if session.checkRollback() { continue }
        if let signal = try wait() { return Outcome(exitCode: signal.exitCode) }
      }
      return .success
    } catch {
      // There is no terminal left on which a reason could be printed.
      if error == .gone { return Outcome(exitCode: Signal.hup.exitCode) }
      throw Cause(.terminal, error.sentence, remedy: error.remedy)
    }
  }

  /// Waits for input and processes all of it.
  /// - Returns: the signal that ends the program.
  private mutating func wait() throws(TerminalError) -> Signal? {
    loop.watch(screen.inputDescriptor, as: .keys)
    loop.watch(session.follower.descriptor, as: .log)
    loop.watch(session.agent.descriptor, as: .agent)
    loop.watch(session.output?.descriptor, as: .output)
    loop.watch(session.starting?.descriptor, as: .start)
    loop.watch(session.nodes.descriptor, as: .nodes)
    let turn: EventLoop<Source>.Turn
    do throws(PosixError) { turn = try loop.wait(until: Clock.monotonic() + patience) } catch {
      throw .system(call: "poll", errno: error.errno.rawValue)
    }
    if let signal = turn.signals.first(where: Self.ending.contains) { return signal }
    if session.model.size != screen.size { session.tell(.resize(screen.size)) }
    session.tellTime()
    while !session.isOver, let key = try screen.nextKey() { session.tell(.key(key)) }
    session.hearNodes()
    if turn.has(.log) {
      session.readLog()
    } else if turn.has(.agent) || isLookDue() {
      // A log that is not there yet cannot be watched.
      if session.follower.descriptor == nil { session.readLog() } else { session.look() }
    }
    if turn.has(.output) { session.readOutput() }
    if turn.has(.start) { session.readStart() }
    return nil
  }

  /// Whether the runs' own files are to be checked again: once a second is enough.
  private mutating func isLookDue() -> Bool {
    let now = Clock.monotonic()
    defer { if now - lastLook >= 1000 { lastLook = now } }
    return now - lastLook >= 1000
  }

  /// Milliseconds to the next thing that happens without input.
  private var patience: Int64 {
    var limit = Clocks.toNextMinute
    if let key = screen.keyTimeout { limit = min(limit, Int64(key)) }
    if let next = session.nodes.nextTick {
      limit = min(limit, max(0, next - Clock.monotonic()))
    }
    // A log that is not there yet cannot be watched.
    if session.follower.descriptor == nil { limit = min(limit, 1000) }
    if session.hasTraffic { limit = min(limit, 5000) }
    // No event reports that there is space again.
    if session.isDiskFull { limit = min(limit, 5000) }
    return limit
  }
}
