import ReleaseModel

/// A log level that is being chosen for a node.
struct LevelChoice: Equatable, Sendable {
  /// The id of the node's report.
  var node: String
  /// The place in `levels` of the one that has the focus.
  var focus: Int

  /// The least severe first, as they are asked for most.
  static let levels = Array(NodeLogLine.Level.allCases.reversed())

  var level: NodeLogLine.Level { Self.levels[min(max(0, focus), Self.levels.count - 1)] }

  mutating func move(by count: Int) {
    focus = min(max(0, focus + count), Self.levels.count - 1)
  }
}

extension Model {
  /// Without them there is no node.
  private static let essential: Set<String> = ["kernel", "stdlib"]

  mutating func openNodeSettings() throws(Refusal) -> [Effect] {
    guard let node = actedNode else { throw .noNode }
    if openSettings != nil { throw .pageIsOpen }
    openSettings = node.id
    tops[.settings] = 0
    return []
  }

  mutating func openApplicationTree() throws(Refusal) -> [Effect] {
    if openTree != nil { throw .pageIsOpen }
    let (node, application) = try reachedApplication()
    if application.state != .running { throw .notRunning(application.name) }
    openTree = NodeAttention.Tree(node: node.id, application: application.name)
    tops[.tree] = 0
    return []
  }

  mutating func askLogLevel() throws(Refusal) -> [Effect] {
    let node = try reachedNode()
    let focus = LevelChoice.levels.firstIndex(of: .info) ?? 0
    mode = .choice(LevelChoice(node: node.id, focus: focus))
    return []
  }

  mutating func moveChoice(by count: Int) -> [Effect] {
    guard case .choice(var choice) = mode else { return [] }
    choice.move(by: count)
    mode = .choice(choice)
    return []
  }

  /// The level was chosen: asks whether it is meant.
  mutating func chooseLevel() -> [Effect] {
    guard case .choice(let choice) = mode else { return [] }
    mode = .normal
    guard let node = nodes.first(where: { $0.id == choice.node }) else { return [] }
    ask(.logLevel(choice.level), node, Wording.logLevelQuestion)
    return []
  }

  mutating func askGarbageCollection() throws(Refusal) -> [Effect] {
    ask(.collectGarbage, try reachedNode(), Wording.collectQuestion)
    return []
  }

  mutating func askNodeRestart() throws(Refusal) -> [Effect] {
    ask(.restart, try reachedNode(), Wording.nodeRestartQuestion)
    return []
  }

  mutating func askStop() throws(Refusal) -> [Effect] {
    let (node, application) = try reachedApplication()
    if Self.essential.contains(application.name) { throw .essential(application.name) }
    if application.state == .loaded { throw .notRunning(application.name) }
    ask(.stopApplication(application.name), node) { node, effects in
      Wording.stopQuestion(application, node, effects: effects)
    }
    return []
  }

  mutating func askStart() throws(Refusal) -> [Effect] {
    let (node, application) = try reachedApplication()
    if application.state != .loaded { throw .alreadyRunning(application.name) }
    ask(.startApplication(application.name), node) { node, effects in
      Wording.startQuestion(application, node, effects: effects)
    }
    return []
  }

  private mutating func ask(
    _ action: NodeAction, _ node: NodeReport,
    _ question: (NodeReport, [Effect]) -> Confirmation
  ) {
    let app = NodeChoice(node).app
    mode = .question(
      question(node, [.act(node: node.id, name: node.name, app: app, action)]))
  }

  private func reachedNode() throws(Refusal) -> NodeReport {
    guard let node = actedNode else { throw .noNode }
    if node.state != .up { throw .notUp(node.name, Wording.state(of: node)) }
    return node
  }

  private func reachedApplication() throws(Refusal) -> (NodeReport, NodeSnapshot.Application) {
    let node = try reachedNode()
    guard let application = cursorApplication else { throw .noApplication }
    return (node, application)
  }
}

extension Wording {
  static func logLevelQuestion(_ action: NodeReport, effects: [Effect]) -> Confirmation {
    var level = NodeLogLine.Level.info
    if case .act(_, _, _, .logLevel(let chosen))? = effects.first { level = chosen }
    return Confirmation(
      question: "Set the log level of \(action.name) to \(level.rawValue)?",
      consequences: [
        "It logs \(level.rawValue) and what is worse, and nothing below. What writes its log may slow it "
          + "down when there is much."
      ],
      undo: "Undo: L again with the level it had; a restart of the node brings its own back.",
      effects: effects)
  }

  static func collectQuestion(_ node: NodeReport, effects: [Effect]) -> Confirmation {
    Confirmation(
      question: "Collect the garbage of every process of \(node.name)?",
      consequences: [
        "Each process stands still while its memory is gone through: a large one for some time."
      ],
      undo: "Nothing to undo: only memory that nobody uses is given back.", effects: effects)
  }

  static func nodeRestartQuestion(_ node: NodeReport, effects: [Effect]) -> Confirmation {
    Confirmation(
      question: "Restart \(node.name) with init:restart?",
      consequences: [
        "All applications are taken down in order, then the node boots again in the same process.",
        "Until it has booted it serves nobody, and what it held in memory is lost.",
      ],
      undo: "Nothing to undo: its release and config vars do not change.", effects: effects)
  }

  static func stopQuestion(
    _ application: NodeSnapshot.Application, _ node: NodeReport, effects: [Effect]
  ) -> Confirmation {
    let name = application.name
    let dependants = (node.snapshot?.applications ?? []).filter {
      $0.state != .loaded && $0.dependencies.contains(name)
    }
    var lines = ["Its processes end, the newest first."]
    if dependants.isEmpty {
      lines.append("No application that runs depends on it.")
    } else {
      lines.append("Its dependants keep running without it: \(list(dependants.map(\.name))).")
    }
    if application.type == .permanent {
      lines.append("It is permanent, but a stop from outside does not end the node.")
    }
    return Confirmation(
      question: "Stop \(name) in \(node.name)?", consequences: lines,
      undo: "Undo: S starts it again.", effects: effects)
  }

  static func startQuestion(
    _ application: NodeSnapshot.Application, _ node: NodeReport, effects: [Effect]
  ) -> Confirmation {
    let running = Set(
      (node.snapshot?.applications ?? []).filter { $0.state == .running }.map(\.name))
    let missing = application.dependencies.filter { !running.contains($0) }
    var lines = ["It is started as temporary: when it ends, the node goes on."]
    if !missing.isEmpty { lines.append("It depends on what does not run: \(list(missing)).") }
    return Confirmation(
      question: "Start \(application.name) in \(node.name)?", consequences: lines,
      undo: "Undo: X stops it again.", effects: effects)
  }

  /// The first of many names.
  private static func list(_ names: [String]) -> String {
    let most = 8
    let more = names.count > most ? " and \(names.count - most) more" : ""
    return names.prefix(most).joined(separator: ", ") + more
  }
}
