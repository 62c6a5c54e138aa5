import NodeModel
import Operations

/// A log level that is being chosen for a node.
struct LevelChoice: Equatable, Sendable {
  /// The id of the node's report.
  var node: String
  /// The index in `levels` of the level that has the focus.
  var focus: Int

  /// The least severe come first, because they are chosen most often.
  static let levels = Array(NodeLogLine.Level.allCases.reversed())

  var level: NodeLogLine.Level { Self.levels[min(max(0, focus), Self.levels.count - 1)] }

  mutating func move(by count: Int) { focus = min(max(0, focus + count), Self.levels.count - 1) }
}

extension Model {
  mutating func openNodeSettings() throws(DisabledReason) {
    guard let node = actedNode else { throw .noNode }
    if selection.openSettings != nil { throw .pageIsOpen }
    selection.openSettings = node.id
    lists[.settings, default: ListPosition()].top = 0
  }

  mutating func openApplicationTree() throws(DisabledReason) {
    if selection.openTree != nil { throw .pageIsOpen }
    let (node, application) = try reachedApplication()
    if application.state != .running { throw .operation(.applicationNotRunning(application.name)) }
    selection.openTree = NodeAttention.Tree(node: node.id, application: application.name)
    lists[.tree, default: ListPosition()].top = 0
  }

  mutating func askLogLevel() throws(DisabledReason) {
    let node = try reachedNode()
    let focus = LevelChoice.levels.firstIndex(of: .info) ?? 0
    mode = .choice(LevelChoice(node: node.id, focus: focus))
  }

  mutating func moveChoice(by count: Int) {
    guard case .choice(var choice) = mode else { return }
    choice.move(by: count)
    mode = .choice(choice)
  }

  /// Asks to confirm the chosen level.
  mutating func chooseLevel() {
    guard case .choice(let choice) = mode else { return }
    mode = .normal
    if let node = nodes.first(where: { $0.id == choice.node }) {
      ask(.logLevel(choice.level), node)
    }
  }

  /// Asks to confirm an action on the shown node, if the node can do it.
  mutating func ask(_ action: NodeAction) throws(DisabledReason) {
    let node = try reachedNode()
    do throws(Refusal) { try action.check(on: node) } catch { throw .operation(error) }
    ask(action, node)
  }

  /// The same for an action on the selected application.
  mutating func ask(_ make: (_ application: String) -> NodeAction) throws(DisabledReason) {
    try ask(make(try reachedApplication().1.name))
  }

  private mutating func ask(_ action: NodeAction, _ node: NodeReport) {
    let effect = Effect.act(node: node.id, name: node.name, app: NodeChoice(node).app, action)
    mode = .question(Confirmation(consequences: action.consequences(on: node), effects: [effect]))
  }

  private func reachedNode() throws(DisabledReason) -> NodeReport {
    guard let node = actedNode else { throw .noNode }
    if node.state != .up { throw .operation(.nodeNotUp(node.name, state: Wording.state(of: node))) }
    return node
  }

  private func reachedApplication() throws(DisabledReason) -> (NodeReport, NodeSnapshot.Application)
  {
    let node = try reachedNode()
    guard let application = cursorApplication else { throw .noApplication }
    return (node, application)
  }
}
