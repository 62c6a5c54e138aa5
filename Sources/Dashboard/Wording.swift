import Events
import HomeLayout
import NodeModel

/// The dashboard's sentences.
enum Wording {
  static func sentence(_ refusal: Refusal) -> String {
    switch refusal {
    case .readOnly: "This dashboard is read-only: it was started with --read-only."
    case .past: "This is how it was: to change what is now, start reltui without --at."
    case .noApp: "There is no app here yet; deploy one with: relctl deploy APP DIR"
    case .noInstance(let app): "\(app) has no instance that runs or crashed."
    case .noRelease(let app): "\(app) has no release that ever ran; deploy one first."
    case .noPreviousRelease(let app, let current):
      "\(current) is the first release of \(app) that ran: there is none to go back to."
    case .deploying(let app, let release):
      "\(release) of \(app) is being deployed: wait until it is ready or has failed."
    case .asked(let words): "\(words): already asked for, and not done yet."
    case .notInFormation(let instance, let app):
      "\(instance) is no instance that \(app) should have; it goes away by itself."
    case .amongInstances: "R restarts the selected instance, l shows its output, Esc goes back."
    case .noNode: "There is no node to ask."
    case .notUp(let node, let state): "\(node) is \(state): it can be asked when it is up."
    case .foreignNode(let node): "\(node) is not from here: there is no app of it to change."
    case .noApplication: "No application of a node is selected."
    case .notRunning(let name): "\(name) does not run."
    case .alreadyRunning(let name): "\(name) is started already."
    case .essential(let name): "\(name) cannot be stopped: without it there is no node."
    case .pageIsOpen: "Esc goes back to the list."
    case .onlyItsLog: "This node was not deployed from here: it has only its own log."
    case .noLevels: "Output has no levels; o shows the node's own log, which has."
    case .nothingToFind: "Nothing to find yet: f asks for a text."
    case .notFound(let text, let older):
      "No \(older ? "older" : "newer") line has '\(text)'."
    }
  }

  static func sentence(_ cause: Cause) -> String {
    cause.remedy.map { "\(cause.sentence). \($0)" } ?? cause.sentence
  }
}

// MARK: - Requests

extension Wording {
  static func restart(app: String, instance: InstanceName?) -> String {
    instance.map { "restart of \($0) of \(app)" } ?? "restart of \(app)"
  }

  static func rollback(app: String, to release: ReleaseNumber?) -> String {
    "rollback of \(app)" + (release.map { " to \($0)" } ?? "")
  }

  /// `restart of web.1 of greeter`, `stop of greeter`.
  static func request(_ event: Event) -> String {
    let app = event.app ?? "?"
    switch event.type {
    case .restartRequested: return restart(app: app, instance: event.data.instance)
    case .rollbackRequested: return rollback(app: app, to: event.data.from)
    case .nodeActionRequested:
      let node = event.data.node.map { " on \($0)" } ?? ""
      return (NodeAction(event.data)?.sentence ?? "an action") + node
    default: return "\(verb(event)) of \(app)"
    }
  }

  /// The same where the app stands beside it.
  static func shortRequest(_ event: Event) -> String {
    let object = event.data.instance.map { " of \($0)" } ?? ""
    let target = event.type == .rollbackRequested ? event.data.from : nil
    return verb(event) + object + (target.map { " to \($0)" } ?? "")
  }

  private static func verb(_ event: Event) -> String {
    if let action = NodeAction(event.data) { return action.sentence }
    let suffix = ".requested"
    let name = event.typeName
    return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
  }

  static func restartQuestion(
    _ app: Board.App, _ run: InstanceReport?, effects: [Effect]
  ) -> Confirmation {
    let release = app.current.map { " (\($0))" } ?? ""
    let undo = "Nothing to undo: its release and config vars do not change."
    if let run {
      return Confirmation(
        question: "Restart \(run.instance) of \(app.name)\(release)?",
        consequences: consequences(of: [run.process], isLive: run.state.isLive, count: 1),
        undo: undo, effects: effects)
    }
    let count = app.formation.values.reduce(0) { $0 + max(0, $1) }
    let processes = app.formation.filter { $0.value > 0 }.keys.sorted()
    let what = count == 1 ? "the instance" : "all \(count) instances"
    return Confirmation(
      question: "Restart \(what) of \(app.name)\(release)?",
      consequences: consequences(
        of: processes, isLive: !app.liveRuns.isEmpty, count: count),
      undo: undo, effects: effects)
  }

  /// What the agent does, by process type: only `web` may run twice at once.
  private static func consequences(
    of processes: [String], isLive: Bool, count: Int
  ) -> [String] {
    guard isLive else { return ["Nothing of it runs now: it is started."] }
    let beside = "A new run starts beside the old one; when it is ready the old one is stopped."
    let inTurn = "The old run is stopped first; then a new one starts."
    let others = processes.filter { $0 != ProcessType.web }
    var lines = count > 1 ? ["One at a time; the next waits until this one is ready."] : []
    if processes.contains(ProcessType.web) { lines.append(beside) }
    if others.isEmpty { return lines }
    let names = others.joined(separator: ", ")
    lines.append(lines.isEmpty || processes.count == 1 ? inTurn : "For \(names): \(inTurn)")
    return lines
  }

  static func rollbackQuestion(
    _ app: Board.App, from current: Board.Release, to previous: Board.Release, effects: [Effect]
  ) -> Confirmation {
    let next = ReleaseNumber((app.releases.last?.number.value ?? 0) + 1)
    var lines = [
      "This makes \(next) with \(previous.number)'s slug and config vars.",
      change(current, previous, in: app),
    ]
    if let line = previous.line {
      lines.append("\(previous.number) is \(commit(previous))\"\(line)\".")
    }
    return Confirmation(
      question: "Roll \(app.name) back from \(current.number) to \(previous.number)?",
      consequences: lines,
      undo: "Undo: B again brings \(current.number) back.", effects: effects)
  }

  private static func commit(_ release: Board.Release) -> String {
    release.commit.map { "\($0.prefix(7)) " } ?? ""
  }

  private static func change(
    _ current: Board.Release, _ previous: Board.Release, in app: Board.App
  ) -> String {
    switch ConfigDifference(from: current, to: previous, in: app) {
    case .none: "No config var changes."
    case .names(let names): "Config vars that change: \(names.joined(separator: ", "))."
    case .unknown: "Config vars change too; which ones is not recorded."
    }
  }
}

// MARK: - States

extension Wording {
  /// `ready`, `crashed ×3`, `starting, crashed ×3`; `ready, crashed ×3` after a recent crash.
  static func state(of app: Board.App, at now: Timestamp) -> String {
    let (state, crashes) = app.summary
    let times = crashes > 1 ? "crashed ×\(crashes)" : crashes == 1 ? "crashed" : ""
    if state == .crashed { return times.isEmpty ? state.rawValue : times }
    let isRunning = state != .stopped && state != .stopping
    return isRunning && app.recentCrash(at: now) != nil
      ? "\(state.rawValue), \(times)" : state.rawValue
  }

  /// The app's problem in one sentence, and whether its users suffer from it now.
  static func trouble(of app: Board.App, at now: Timestamp) -> (text: String, isBad: Bool)? {
    guard let cause = app.worstCause(at: now) else { return nil }
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

  /// `web 2/2 +1, worker 1/1`: ready of wanted, and runs beyond one for each instance.
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
}

// MARK: - Times

extension Wording {
  /// The time since a moment, never in seconds: a screen on which nothing happens stays still for a
  /// minute.
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
