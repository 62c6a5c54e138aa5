import Events
import HomeLayout
import Operations

/// The dashboard's sentences.
enum Wording {
  static func sentence(_ reason: DisabledReason) -> String {
    switch reason {
    case .readOnly: "This dashboard is read-only: it was started with --read-only."
    case .past: "This screen shows the past. To change something, start reltui without --at."
    case .noApp: "There is no app here yet; deploy one with: relctl deploy APP DIR"
    case .operation(let refusal): sentence(refusal.cause)
    case .noInstance(let app): "\(app) has no instance that runs or crashed."
    case .amongInstances: "R restarts the selected instance, l shows its output, Esc goes back."
    case .noNode: "There is no node to ask."
    case .foreignNode(let node):
      "\(node) was not deployed from here, so it has no app that you can change."
    case .noApplication: "No application of a node is selected."
    case .pageIsOpen: "Esc goes back to the list."
    case .onlyItsLog: "This node was not deployed from here: it has only its own log."
    case .noLevels: "Output has no levels. o shows the node's own log, which has them."
    case .nothingToFind: "Nothing to find yet: f asks for a text."
    case .noPreview: "No preview is selected."
    case .isPinned: "It is pinned already; N gives it a lease again."
    case .noAddress: "It has no address while no router runs."
    case .nothingMore: "There is no more text: all of it is shown."
    case .notFound(let text, let older):
      "No \(older ? "older" : "newer") line has '\(text)'."
    }
  }

  static func sentence(_ cause: Cause) -> String {
    cause.sentence + (cause.remedy.map { ". \($0)" } ?? "")
  }

  // MARK: - Requests

  /// `restart of web.1 of greeter`, `stop of greeter`.
  static func request(_ event: Event) -> String {
    if let action = NodeAction(event.data) {
      return action.sentence + (event.data.node.map { " on \($0)" } ?? "")
    }
    return operation(event)?.sentence ?? "\(verb(event)) of \(event.app ?? "?")"
  }

  /// The same without the app, for a place that shows the app already.
  static func shortRequest(_ event: Event) -> String {
    NodeAction(event.data)?.sentence ?? operation(event)?.shortSentence ?? verb(event)
  }

  private static func operation(_ event: Event) -> (any Operation)? {
    OperationTable.standard.operation(event.type, app: event.app ?? "?", event.data)
  }

  /// What a request of a newer version asks for.
  private static func verb(_ event: Event) -> String {
    event.typeName.replacing(".requested", with: "")
  }

  // MARK: - States

  /// `ready`, `crashed ×3`, `starting, crashed ×3`; `ready, crashed ×3` after a recent crash.
  static func state(of app: Board.App, at now: Timestamp) -> String {
    let (state, crashes) = app.summary
    let times = crashes > 1 ? "crashed ×\(crashes)" : crashes == 1 ? "crashed" : ""
    if state == .stopped, app.asleep != nil { return "asleep" }
    if state == .crashed { return times.isEmpty ? state.rawValue : times }
    let isRunning = state != .stopped && state != .stopping
    return isRunning && app.recentCrash(at: now) != nil
      ? "\(state.rawValue), \(times)" : state.rawValue
  }

  /// The app's problem in one sentence, and whether its users suffer from it now.
  static func trouble(of app: Board.App, at now: Timestamp) -> (text: String, isBad: Bool)? {
    guard let cause = app.worstCause(at: now) else { return app.waiting.map { ($0, false) } }
    if app.failure?.cause == cause, let release = app.failure?.release {
      return ("\(release) failed: \(cause.sentence)", app.summary.state != .ready)
    }
    if let release = app.deployment?.release, app.deployment?.cause == cause {
      return ("\(release) failed: \(cause.sentence)", app.summary.state != .ready)
    }
    if app.crashes.values.contains(where: \.isAbandoned) {
      return ("left down: \(cause.sentence)", true)
    }
    return (cause.sentence, app.summary.state != .ready)
  }

  /// `web 2/2 +1, worker 1/1`: ready and wanted instances, then runs beyond one for each instance.
  static func instances(of app: Board.App) -> String {
    let wanted = app.current == nil ? app.deployment?.formation ?? app.formation : app.formation
    let live = app.liveRuns
    let processes = Set(wanted.filter { $0.value > 0 }.keys).union(live.map(\.instance.process))
    let ordered = processes.map { InstanceName($0, 1) }.sorted().map(\.process)
    let parts = ordered.map { process in
      let count = max(0, app.isStopped ? 0 : wanted[process] ?? 0)
      let own = live.filter { $0.instance.process == process }
      let placed = Set(own.map(\.instance).filter { $0.index <= count })
      let ready = Set(own.filter { $0.state == .ready }.map(\.instance)).intersection(placed)
      let more = own.count - placed.count
      return "\(process) \(ready.count)/\(count)" + (more > 0 ? " +\(more)" : "")
    }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }

  /// `v12`, or `v31 → v32` while v32 is being deployed.
  static func release(of app: Board.App) -> String {
    let now = app.current.map(\.description)
    guard let deployment = app.deployment, deployment.release != app.current else {
      return now ?? "–"
    }
    return now.map { "\($0) → \(deployment.release)" } ?? "→ \(deployment.release)"
  }

  // MARK: - Times

  /// The time since a moment, never in seconds, so that an idle screen changes at most once a minute.
  static func age(since moment: Timestamp, at now: Timestamp) -> String {
    let passed = now.elapsed(since: moment)
    return passed < 60_000 ? "<1m" : Age.text(passed)
  }

  /// `12:04`
  static func clock(_ clock: WallClock) -> String {
    String(local(clock.now, clock.utcOffset).dropFirst(11).prefix(5))
  }

  /// `12:04:09` today, `11-20 12:04` on another day.
  static func moment(_ time: Timestamp, _ clock: WallClock) -> String {
    let (text, today) = (local(time, clock.utcOffset), local(clock.now, clock.utcOffset))
    let hours = text.dropFirst(11)
    return text.prefix(10) == today.prefix(10)
      ? String(hours.prefix(8)) : "\(text.dropFirst(5).prefix(5)) \(hours.prefix(5))"
  }

  /// `2026-11-20 12:04:09`
  static func date(_ time: Timestamp, _ utcOffset: Int) -> String {
    let text = local(time, utcOffset)
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))"
  }

  private static func local(_ time: Timestamp, _ utcOffset: Int) -> String {
    (time + Int64(utcOffset) * 1000).description
  }
}

extension Board.App {
  /// Whether an operator should look at it: its users may not be served.
  func isInTrouble(at now: Timestamp) -> Bool {
    let (state, crashes) = summary
    switch state {
    case .crashed, .unready: return true
    case .starting, .booting: return crashes > 0 || failure != nil && current != nil
    case .ready: return recentCrash(at: now) != nil
    case .stopping, .stopped: return false
    }
  }
}
