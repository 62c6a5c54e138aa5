import Dashboard
import Events
import NodeModel
import Terminal
import Testing

/// A dashboard with an operator at its keys.
struct Story {
  private(set) var model: Model
  /// The effects of the keys since the last `press`.
  private(set) var effects: [Effect] = []

  init(
    _ past: Past = .night, columns: Int = 80, rows: Int = 24, isReadOnly: Bool = false,
    isAgentAlive: Bool = true, nodes: [NodeReport] = [], isPast: Bool = false,
    namesNodes: Bool = false
  ) {
    let setting = Model.Setting(
      host: "prod-1", user: "ana", home: "/srv/reltui", isReadOnly: isReadOnly, isPast: isPast,
      namesNodes: namesNodes)
    model = Model(setting: setting, size: Size(columns: columns, rows: rows), now: Past.now)
    tell(.agent(isAlive: isAgentAlive), .board(past.board), .events(past.events))
    if !nodes.isEmpty { tell(.nodes(nodes)) }
  }

  mutating func tell(_ messages: Message...) {
    for message in messages { effects += model.update(message) }
  }

  /// Presses keys, given by name or as one character.
  mutating func press(_ keys: String...) {
    effects = []
    for key in keys { effects += model.update(.key(Self.key(key))) }
  }

  private static func key(_ name: String) -> Key {
    let named: [Key] = [
      .enter, .escape, .tab, .backTab, .backspace, .up, .down, .left, .right, .home, .end,
      .pageUp, .pageDown, .control("c"), .control("d"), .control("l"), .control("u"),
      .function(1),
    ]
    return named.first { $0.name == name } ?? .character(name.first ?? " ")
  }

  var text: [String] { model.frame().text }
  var screen: String { text.joined(separator: "\n") }

  /// Checks that texts are on the screen; a failure shows it.
  func expect(
    _ texts: String..., absent: [String] = [], location: SourceLocation = #_sourceLocation
  ) {
    let screen = screen
    for text in texts where !screen.contains(text) {
      Issue.record("'\(text)' is not on the screen:\n\(screen)", sourceLocation: location)
    }
    for text in absent where screen.contains(text) {
      Issue.record("'\(text)' is on the screen:\n\(screen)", sourceLocation: location)
    }
  }

  /// The one request among the effects.
  var request: (type: EventType, app: String, data: EventData)? {
    guard effects.count == 1, case .append(let type, let app, let data) = effects[0] else {
      return nil
    }
    return (type, app, data)
  }
}
