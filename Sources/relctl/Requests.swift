import CommandLine
import Deployment
import Events
import HomeLayout
import Journal
import Observation
import Operations
import Posix
import ReleaseModel
import SlugStore

extension Option {
  static let detach = Option("--detach", "do not wait: print the request's id and return")
  static let until = Option(
    "--until", value: "ready|done", "ready: wait only until the new release serves")
}

extension CommandCall {
  /// Requests an operation if it is possible, makes sure that an agent runs, and waits for the outcome. Meanwhile it
  /// prints the progress.
  func request(_ operation: some Operation) throws(Cause) -> Outcome {
    let home = try home()
    let board = try board()
    let end = try endOfWait()
    do throws(Cause) { try tell(warnings(for: operation, on: board)) } catch {
      throw recorded(error, against: operation)
    }
    try AgentControl(home: home).requireStartable(environment: context.environment)
    let chosen = operation.chosen(on: board)
    let journal = EventJournal(home: home, program: "relctl")
    let now = Timestamp(milliseconds: Clock.now())
    // A stopped agent may hold the lock of the log.
    let warning = AgentControl(home: home).silence(since: now, now: now)
    if let warning { warn(warning) }
    let request = try journal.append(
      type(of: chosen).type, app: chosen.app, chosen.request(by: user, now: now))
    try ensureAgent(home)
    if arguments.has("--detach") {
      if wantsJSON { print(json: ["request": request.id]) } else { context.print(request.id) }
      return .success
    }
    let wait = Wait(
      id: request.id, sequence: request.sequence, app: chosen.app, since: request.time,
      deadline: request.data.deadline, end: end)
    return try waitForOutcome(of: wait, journal, hasWarned: warning != nil)
  }

  /// What a command waits for.
  struct Wait {
    enum End: String { case ready, done }

    /// What other commands know it by.
    var name: String { app.isEmpty ? id : app }

    var id: String
    var sequence: UInt64
    var app: String
    var since: Timestamp
    var deadline: Timestamp?
    var end = End.done
  }

  func endOfWait() throws(Cause) -> Wait.End {
    guard let word = arguments["--until"] else { return .done }
    if let end = Wait.End(rawValue: word) { return end }
    throw Cause(.usage, "'\(word)' is neither ready nor done", remedy: "Write: --until ready")
  }

  func waitForOutcome(of wait: Wait, _ journal: EventJournal, hasWarned: Bool) throws(Cause)
    -> Outcome
  {
    let signals = try Cause.explaining(Signals([.int, .term]))
    // The request may end before the follower starts, so recent events are read too.
    var follower = Follower(journal, recent: 1000)
    // After the deadline the agent may still wait for runs to stop.
    let limit = wait.deadline.map { $0 - wait.since + 3_660_000 + Clock.monotonic() } ?? .max
    let agent = AgentControl(home: journal.home)
    var hasWarned = hasWarned
    var events = try follower.take()
    var waiting: String?
    var traffic = TrafficProgress(journal.home, app: wait.app)
    tellWhatIsAhead(of: wait, follower.board)
    while true {
      if !wantsJSON {
        for line in traffic.look(follower.board) { context.print("       \(line)") }
      }
      for event in events where event.sequence > wait.sequence {
        if event.app == wait.app { tell(event, of: wait, follower.board) }
        if let outcome = try outcome(event, of: wait, follower.board) { return outcome }
      }
      if limit < Clock.monotonic() {
        throw Cause(.waitedTooLong, "no agent has ended the request in time")
      }
      try follower.wait([signals.file.descriptor], milliseconds: 1000)
      if signals.next() != nil {
        return Outcome(
          exitCode: ExitCode.interrupted,
          report: [
            "relctl: not waiting any more; the request goes on",
            "  Wait again: relctl attach \(wait.name). End it: relctl cancel \(wait.name)",
          ])
      }
      // The agent may have been killed. The next agent then takes over the request.
      try ensureAgent(journal.home)
      let now = Timestamp(milliseconds: Clock.now())
      if !hasWarned, let cause = agent.silence(since: wait.since, now: now) {
        warn(cause)
        hasWarned = true
      }
      events = try follower.take()
      waiting = tellAnswer(in: follower.board, of: wait, before: waiting)
    }
  }

  /// Prints the last answer of the check that the deployment waits for, if it is new.
  private func tellAnswer(in board: Board, of wait: Wait, before: String?) -> String? {
    guard !wantsJSON, let app = board.apps[wait.app], app.deployment?.hasSwitched == false,
      let home = try? home()
    else { return before }
    var live = Board()
    live.apps[app.name] = app
    let now = LiveBoard.overlay(live, home: home).apps[app.name]?.waiting
    if let now, now != before { context.print(shown("       waiting for \(now)")) }
    return now ?? before
  }

  private func tellWhatIsAhead(of wait: Wait, _ board: Board) {
    let before = board.requests.last { $0.app == wait.app && $0.sequence < wait.sequence }
    guard let before, !wantsJSON else { return }
    let what = OperationTable.standard.operation(before)?.shortSentence ?? before.type.rawValue
    let by = before.data.by.map { " by \($0)" } ?? ""
    context.print(shown("       waiting for the \(what)\(by) to end"))
  }

  private func ensureAgent(_ home: Home) throws(Cause) {
    try AgentControl(home: home).ensure(
      program: try context.sibling("relctl"), environment: context.environment)
  }

  private func outcome(_ event: Event, of wait: Wait, _ board: Board) throws(Cause) -> Outcome? {
    if wait.end == .ready, event.type == .deploymentStep,
      event.data.step == Board.Deployment.Step.switchOver.rawValue,
      let release = board.apps[wait.app]?.release(event.data.release), release.request == wait.id
    {
      return report(of: wait, board)
    }
    guard event.data.request == wait.id else { return nil }
    switch event.type {
    case .requestFinished: return report(of: wait, board)
    case .requestRejected:
      throw event.data.cause ?? Cause(.bootFailed, "the request was rejected")
    case .requestFailed:
      let cause = event.data.cause ?? Cause(.bootFailed, "the request failed")
      return Outcome(exitCode: ExitCode.failed, report: Outcome(cause, program: "relctl").report)
    default: return nil
    }
  }

  private func report(of wait: Wait, _ board: Board) -> Outcome {
    guard wantsJSON, !wait.app.isEmpty else { return .success }
    guard let app = board.apps[wait.app] else {
      // Only a preview goes.
      return report(json: ["app": wait.app, "state": "closed"])
    }
    let live = (try? home()).map { LiveBoard.overlay(board, home: $0).apps[app.name] } ?? app
    if let preview = PreviewReport(live ?? app, now: Timestamp(milliseconds: Clock.now())) {
      return report(json: preview)
    }
    return report(json: InstanceReport.all(of: app, host: User.host))
  }

  private func tell(_ event: Event, of wait: Wait, _ board: Board) {
    if wantsJSON { return }
    // The request ends with the cause, which is then told once.
    let release = event.app.flatMap { app in
      event.data.release ?? event.data.run.flatMap { board.apps[app]?.run($0)?.release }
    }
    let isAwaited =
      release != nil
      && event.app.flatMap { board.apps[$0]?.release(release)?.request } == wait.id
    if event.type == .deploymentFinished {
      if let live = (try? home()).map({ LiveBoard.overlay(board, home: $0) }),
        let address = live.apps[wait.app]?.address
      {
        context.print("       " + address)
      }
      let line = ProgressLine.summary(event, board, migrations: newMigrations(event, board))
      return context.print(shown(line))
    }
    if let line = ProgressLine.text(event, board, isBrief: isAwaited) { context.print(shown(line)) }
  }

  /// How many migrations the deployed release brings; 0 if that cannot be known.
  private func newMigrations(_ event: Event, _ board: Board) -> Int {
    guard let app = event.app.flatMap({ board.apps[$0] }), let home = try? home(),
      let release = app.release(event.data.release), release.from == nil
    else { return 0 }
    let store = StoredSlugs(home: home)
    guard let new = try? store.manifest(release.slug).migrations else { return 0 }
    guard let before = app.before(release) else { return new.count }
    guard let old = try? store.manifest(before.slug).migrations else { return 0 }
    return Set(new).subtracting(old).count
  }
}

/// The line that shows an event to an operator who waits for a request.
enum ProgressLine {
  /// - Parameter isBrief: whether the cause of a failure is left out, since it is told as the end of the request.
  static func text(_ event: Event, _ board: Board, isBrief: Bool = false) -> String? {
    let data = event.data
    let instance = data.instance.map { "\($0)" } ?? ""
    let release = data.release.map { "\($0)" } ?? ""
    switch event.type {
    case .configChanged:
      let isPreview = event.app.flatMap { board.apps[$0]?.preview } != nil
      return isPreview
        ? "       config vars and add-ons are there" : "       the first release will have them"
    case .releaseCreated:
      let origin =
        data.from.map { " (as \($0))" } ?? data.origin.map { " (from \($0.words))" } ?? ""
      return "       \(release)\(origin): slug \(data.slug?.prefix(12) ?? "")"
    case .deploymentStarted:
      return "-----> Deploying \(event.app ?? "") \(release)" + batch(event, board)
    case .deploymentStep:
      let app = event.app.flatMap { board.apps[$0] }
      return step(data.step ?? "", release, app, isBrief: isBrief)
    case .previewOpened: return "       open"
    case .previewClosed: return "       removed: " + (data.removed ?? []).joined(separator: ", ")
    case .instanceStarting:
      return "       \(instance) of \(release) starting" + (data.port.map { ", port \($0)" } ?? "")
    case .instanceBooting:
      return "       \(instance) booting" + (data.pid.map { ", pid \($0)" } ?? "")
    case .instanceReady:
      return "       \(instance) ready"
        + (data.bootMilliseconds.map { ", \($0) ms after its start" } ?? "")
    case .instanceStopped:
      return data.cause.map { " !     \($0.sentence)" }
        ?? "       \(instance) (run \(data.run ?? 0)) stopped"
    case .instanceUnready, .instanceCrashed:
      return " !     \(instance) " + failure(data, isBrief: isBrief)
    case .deploymentReverted:
      let served = data.since.map {
        ", which served for \(Age.seconds(event.time.elapsed(since: $0)))"
      }
      return
        " !     \(data.from.map { "\($0) serves" } ?? "Nothing runs") again instead of \(release)\(served ?? "")"
    default: return nil
    }
  }

  private static func batch(_ event: Event, _ board: Board) -> String {
    guard let batch = event.data.batch else { return "" }
    let rollout = event.app.flatMap { board.apps[$0]?.release(event.data.release)?.rollout }
    let reason = rollout?.batch == nil ? "two sets do not fit into memory" : "as app.json says"
    return ", \(batch == 1 ? "one instance" : "\(batch) instances") at a time: \(reason)"
  }

  /// `ended with exit code 1: Shop.Repo could not connect …`
  private static func failure(_ data: EventData, isBrief: Bool) -> String {
    let ending = data.cause?.facts["ending"] ?? (data.cause == nil ? "crashed" : "is not ready")
    guard !isBrief, let cause = data.cause else { return ending }
    // Where nothing is known, the sentence is about the ending.
    return cause.facts["reason"] == nil ? "\(ending): \(cause.sentence)" : ending
  }

  private static func step(
    _ step: String, _ release: String, _ app: Board.App?, isBrief: Bool
  ) -> String? {
    switch Board.Deployment.Step(rawValue: step) {
    case .switchOver:
      let observe = app?.currentRelease?.rollout?.observe ?? 0
      return "       \(release) serves"
        + (observe > 0 ? "; observing it for \(Age.seconds(observe))" : "")
    case .passed: return nil
    case .cutShort: return "       the observation of \(release) ends before its time"
    case .revert:
      let cause = app?.deployment?.cause.map { ": \($0.sentence)" } ?? ""
      return " !     \(release) is reverted" + (isBrief ? "" : cause)
    case nil: return "       \(step)"
    }
  }

  /// The line that an operator may copy into a chat: `billing v32 by ben: 41 s, 2 migrations, boot +36 ms; undo: …`.
  /// - Parameter migrations: how many migrations the release has that the one before it had not.
  static func summary(_ event: Event, _ board: Board, migrations: Int) -> String {
    let app = event.app.flatMap { board.apps[$0] }
    let release = app?.release(event.data.release)
    let by = release?.by.map { " by \($0)" } ?? ""
    let undo = app?.previousRelease == nil ? "" : "; undo: relctl rollback \(app?.name ?? "")"
    let facts = [
      Age.seconds(event.data.milliseconds ?? 0),
      migrations == 0 ? nil : "\(migrations) migration" + (migrations == 1 ? "" : "s"),
      difference(release?.boots?.last?.total, app?.before(release)?.boots?.last?.total),
    ].compactMap { $0 }.joined(separator: ", ")
    return
      "-----> \(event.app ?? "") \(event.data.release?.description ?? "")\(by): \(facts)\(undo)"
  }

  private static func difference(_ new: Int64?, _ old: Int64?) -> String? {
    guard let new, let old else { return nil }
    return "boot \(new < old ? "−" : "+")\(abs(new - old)) ms"
  }
}

extension Board.App {
  /// The release that was current before, and was not left by a rollback or a revert.
  func before(_ release: Board.Release?) -> Board.Release? {
    release.flatMap { release in
      releases.last { $0.number < release.number && $0.wasCurrent && $0.wasLeft != true }
    }
  }
}
