import CommandLine
import Events
import Glibc
import HomeLayout
import Observation
import Posix
import Terminal

/// The loop: one thread waits for everything, tells the dashboard and draws what changed.
struct Interactive {
  private var session: Session
  private let screen: any Screen
  private let signals: Signals

  private var lastLook = Clock.monotonic()

  private static let ending = [Signal.term, .hup, .int]

  init(_ session: Session, _ screen: any Screen) throws(Cause) {
    self.session = session
    self.screen = screen
    do throws(PosixError) { signals = try Signals(Self.ending + [.winch]) } catch {
      throw Cause(error)
    }
  }

  /// Runs until somebody quits, a signal ends it or the terminal is gone.
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
      // Nobody is left to read a reason.
      if error == .gone { return Outcome(exitCode: Signal.hup.exitCode) }
      throw Cause(.terminal, error.sentence, remedy: error.remedy)
    }
  }

  /// Waits for something to happen and takes all of it in.
  /// - Returns: the signal that ends the program.
  private mutating func wait() throws(TerminalError) -> Signal? {
    let sources = [
      screen.inputDescriptor, signals.file.descriptor, session.follower.descriptor,
      session.agent.descriptor, session.output?.descriptor, session.starting?.descriptor,
    ].compactMap { $0 }.map { Poll.Interest($0) }
    let found: [Poll.Ready]
    do throws(PosixError) {
      found = try Poll.wait(sources + session.nodes.fleet.interests, milliseconds: patience)
    } catch {
      throw .system(call: "poll", errno: error.errno.rawValue)
    }
    let ready = Set(found.map(\.descriptor))
    while let signal = signals.next() {
      if Self.ending.contains(signal) { return signal }
    }
    if session.model.size != screen.size { session.tell(.resize(screen.size)) }
    session.tellTime()
    try takeKeys()
    session.hearNodes(found)
    if ready.contains(session.follower.descriptor ?? -1) {
      session.readLog()
    } else if ready.contains(session.agent.descriptor ?? -1) || isLookDue() {
      // What is not there yet cannot be watched.
      if session.follower.descriptor == nil { session.readLog() } else { session.look() }
    }
    if ready.contains(session.output?.descriptor ?? -1) { session.readOutput() }
    if ready.contains(session.starting?.descriptor ?? -1) { session.readStart() }
    return nil
  }

  /// Nodes may be asked many times a second; the runs' own files need not be.
  private mutating func isLookDue() -> Bool {
    let now = Clock.monotonic()
    defer { if now - lastLook >= 1000 { lastLook = now } }
    return now - lastLook >= 1000
  }

  /// Milliseconds to the next thing that happens by itself.
  private var patience: Int64 {
    var limit = Clocks.toNextMinute
    if let key = screen.keyTimeout { limit = min(limit, Int64(key)) }
    if let next = session.nodes.nextTick {
      limit = min(limit, max(0, next - Clock.monotonic()))
    }
    // What is not there yet cannot be watched.
    if session.follower.descriptor == nil { limit = min(limit, 1000) }
    // Nobody tells when there is space again.
    if session.isDiskFull { limit = min(limit, 5000) }
    return limit
  }

  private mutating func takeKeys() throws(TerminalError) {
    while !session.isOver, let key = try screen.nextKey() { session.tell(.key(key)) }
  }
}
