import CommandLine
import Deployment
import Events
import HomeLayout
import Journal
import Operations
import Posix

extension CommandCall {
  /// Requests an operation if it is possible, makes sure that an agent runs, and waits for the outcome. Meanwhile it
  /// prints the progress.
  func request(_ operation: some Operation) throws(Cause) -> Outcome {
    let home = try home()
    let board = try board()
    do throws(Refusal) { try operation.check(on: board) } catch { throw error.cause }
    let chosen = operation.chosen(on: board)
    let journal = EventJournal(home: home, program: "relctl")
    let now = Timestamp(milliseconds: Clock.now())
    // A stopped agent may hold the lock of the log.
    let warning = AgentControl(home: home).silence(since: now, now: now)
    if let warning { warn(warning) }
    let request = try journal.append(
      type(of: chosen).type, app: chosen.app, chosen.request(by: user, now: now))
    try ensureAgent(home)
    return try waitForOutcome(
      of: request, app: chosen.app, journal, hasWarned: warning != nil)
  }

  private func waitForOutcome(
    of request: Event, app: String, _ journal: EventJournal, hasWarned: Bool
  ) throws(Cause) -> Outcome {
    let signals = try Cause.explaining(Signals([.int, .term]))
    // The request may end before the follower starts, so recent events are read too.
    var follower = Follower(journal, recent: 1000)
    let limit = request.data.deadline.map { $0 - request.time + 60_000 + Clock.monotonic() } ?? .max
    let agent = AgentControl(home: journal.home)
    var hasWarned = hasWarned
    var events = try follower.take()
    tellWhatIsAhead(of: request, app: app, follower.board)
    while true {
      for event in events where event.sequence > request.sequence {
        if event.app == app { tell(event) }
        if event.data.request == request.id, let outcome = try outcome(event, follower.board) {
          return outcome
        }
      }
      if limit < Clock.monotonic() {
        throw Cause(.waitedTooLong, "no agent has ended the request in time")
      }
      try follower.wait([signals.file.descriptor], milliseconds: 1000)
      if signals.next() != nil {
        return Outcome(
          exitCode: ExitCode.interrupted,
          report: ["relctl: not waiting any more; the request goes on (relctl events -f)"])
      }
      // The agent may have been killed. The next agent then takes over the request.
      try ensureAgent(journal.home)
      let now = Timestamp(milliseconds: Clock.now())
      if !hasWarned, let cause = agent.silence(since: request.time, now: now) {
        warn(cause)
        hasWarned = true
      }
      events = try follower.take()
    }
  }

  private func tellWhatIsAhead(of request: Event, app: String, _ board: Board) {
    let before = board.requests.last { $0.app == app && $0.sequence < request.sequence }
    guard let before, !wantsJSON else { return }
    let what = OperationTable.standard.operation(before)?.shortSentence ?? before.type.rawValue
    let by = before.data.by.map { " by \($0)" } ?? ""
    context.print(shown("       waiting for the \(what)\(by) to end"))
  }

  private func ensureAgent(_ home: Home) throws(Cause) {
    try AgentControl(home: home).ensure(
      program: try context.sibling("relctl"), environment: context.environment)
  }

  private func outcome(_ event: Event, _ board: Board) throws(Cause) -> Outcome? {
    switch event.type {
    case .requestFinished:
      if wantsJSON, let app = event.app.flatMap({ board.apps[$0] }) {
        print(json: InstanceReport.all(of: app, host: User.host))
      }
      return .success
    case .requestFailed, .requestRejected:
      throw event.data.cause ?? Cause(.bootFailed, "the request failed")
    default: return nil
    }
  }

  private func tell(_ event: Event) {
    guard !wantsJSON, let line = ProgressLine.text(event) else { return }
    context.print(shown(line))
  }
}

/// The line that shows an event to an operator who waits for a request.
enum ProgressLine {
  static func text(_ event: Event) -> String? {
    let data = event.data
    let instance = data.instance.map { "\($0)" } ?? ""
    let release = data.release.map { "\($0)" } ?? ""
    switch event.type {
    case .configChanged: return "       the first release will have them"
    case .releaseCreated:
      let origin = data.from.map { " (as \($0))" } ?? ""
      return "       \(release)\(origin): slug \(data.slug?.prefix(12) ?? "")"
    case .deploymentStarted:
      return "-----> Deploying \(event.app ?? "") \(release)"
    case .deploymentStep:
      return data.step == Board.Deployment.switchStep
        ? "       \(release) is current" : "       \(data.step ?? "")"
    case .instanceStarting:
      return "       \(instance) of \(release) starting" + (data.port.map { ", port \($0)" } ?? "")
    case .instanceBooting:
      return "       \(instance) booting" + (data.pid.map { ", pid \($0)" } ?? "")
    case .instanceReady:
      return "       \(instance) ready"
        + (data.bootMilliseconds.map { ", \($0) ms after its start" } ?? "")
    case .instanceStopped: return "       \(instance) (run \(data.run ?? 0)) stopped"
    case .instanceUnready, .instanceCrashed:
      return " !     \(data.cause?.sentence ?? "\(instance) crashed")"
    case .deploymentReverted:
      return " !     \(release) is rolled back"
        + (data.from.map { "; \($0) went on serving" } ?? "")
    case .deploymentFinished:
      return "-----> \(release) runs after \(Age.seconds(data.milliseconds ?? 0))"
    default: return nil
    }
  }
}
