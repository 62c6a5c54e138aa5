/// A key press.
public enum Key: Hashable, Sendable {
  case character(Character)
  /// Ctrl with a letter, given in lower case, or with one of `@ \ ] ^ _`.
  case control(Character)
  case enter, escape, tab, backTab, backspace, insert, delete, up, down, left, right, home, end
  case pageUp, pageDown
  /// F1 … F12.
  case function(Int)

  /// The name in hints and help: `R`, `^C`, `Esc`, `PgUp`, `F5`.
  public var name: String {
    switch self {
    case .character(" "): "Space"
    case .character(let character): String(character)
    case .control(let character): "^\(character.uppercased())"
    case .enter: "Enter"
    case .escape: "Esc"
    case .tab: "Tab"
    case .backTab: "Shift-Tab"
    case .backspace: "Backspace"
    case .insert: "Ins"
    case .delete: "Del"
    case .up: "Up"
    case .down: "Down"
    case .left: "Left"
    case .right: "Right"
    case .home: "Home"
    case .end: "End"
    case .pageUp: "PgUp"
    case .pageDown: "PgDn"
    case .function(let number): "F\(number)"
    }
  }
}

extension Key: ExpressibleByExtendedGraphemeClusterLiteral {
  public init(extendedGraphemeClusterLiteral character: Character) { self = .character(character) }
}
