import CommandLine
import Events
import Glibc
import Posix
import Terminal

/// The loop of the thread that owns the screen: it waits for input, tells the dashboard and draws changes.
struct Interactive {
  private var session: DashboardSession
  private let screen: CursesScreen
  private let signals: Signals

  private var lastLook = Clock.monotonic()

  private static let ending = [Signal.term, .hup, .int]

  init(_ session: DashboardSession, _ screen: CursesScreen) throws(Cause) {
    (self.session, self.screen) = (session, screen)
    do throws(PosixError) { signals = try Signals(Self.ending + [.winch]) } catch {
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
        if let signal = try wait() { return Outcome(exitCode: signal.exitCode) }
      }
      return .success
    } catch {
      // There is no terminal left to print a reason on.
      if error == .gone { return Outcome(exitCode: Signal.hup.exitCode) }
      throw Cause(.terminal, error.sentence, remedy: error.remedy)
    }
  }

  /// Waits for input and processes all of it.
  /// - Returns: the signal that ends the program.
  private mutating func wait() throws(TerminalError) -> Signal? {
    let sources = [
      screen.inputDescriptor, signals.file.descriptor, session.follower.descriptor,
      session.agent.descriptor, session.output?.descriptor, session.starting?.descriptor,
      session.nodes.descriptor,
    ].compactMap { $0 }
    let ready: Set<Int32>
    do throws(PosixError) {
      ready = Set(try Poll.wait(sources, milliseconds: patience))
    } catch {
      throw .system(call: "poll", errno: error.errno.rawValue)
    }
    while let signal = signals.next() {
      if Self.ending.contains(signal) { return signal }
    }
    if session.model.size != screen.size { session.tell(.resize(screen.size)) }
    session.tellTime()
    while !session.isOver, let key = try screen.nextKey() { session.tell(.key(key)) }
    session.hearNodes()
    if ready.contains(session.follower.descriptor ?? -1) {
      session.readLog()
    } else if ready.contains(session.agent.descriptor ?? -1) || isLookDue() {
      // A log that is not there yet cannot be watched.
      if session.follower.descriptor == nil { session.readLog() } else { session.look() }
    }
    if ready.contains(session.output?.descriptor ?? -1) { session.readOutput() }
    if ready.contains(session.starting?.descriptor ?? -1) { session.readStart() }
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
    // No event tells when there is space again.
    if session.isDiskFull { limit = min(limit, 5000) }
    return limit
  }
}
