import HomeLayout
import NodeModel

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
    if selection.openSettings != nil { throw .pageIsOpen }
    selection.openSettings = node.id
    lists[.settings, default: ListPosition()].top = 0
    return []
  }

  mutating func openApplicationTree() throws(Refusal) -> [Effect] {
    if selection.openTree != nil { throw .pageIsOpen }
    let (node, application) = try reachedApplication()
    if application.state != .running { throw .notRunning(application.name) }
    selection.openTree = NodeAttention.Tree(node: node.id, application: application.name)
    lists[.tree, default: ListPosition()].top = 0
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
    ask(.logLevel(choice.level), node) { node, effects in
      Wording.logLevelQuestion(choice.level, node, effects: effects)
    }
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
