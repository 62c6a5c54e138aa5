import PlainText

/// A horizontal line of a frame's border.
public enum Rule: Sendable {
  case top, middle, bottom, plain

  fileprivate var ends: (left: String, right: String) {
    switch self {
    case .top: ("┌", "┐")
    case .middle: ("├", "┤")
    case .bottom: ("└", "┘")
    case .plain: ("─", "─")
    }
  }
}

extension Frame {
  /// Draws a rule over the whole width, with a title in it: `┌ Apps ─────┐`.
  public mutating func put(_ rule: Rule, row: Int, title: String = "") {
    put(String(repeating: "─", count: size.columns), row: row, column: 0, role: .border)
    putEnds(rule.ends.left, rule.ends.right, row: row)
    let room = size.columns - 5
    guard !title.isEmpty, room > 0 else { return }
    put(" \(Printable.cut(title, to: room)) ", row: row, column: 1, role: .title)
  }

  /// Draws the left and right sides of a border on one row.
  public mutating func putSides(row: Int) { putEnds("│", "│", row: row) }

  private mutating func putEnds(_ left: String, _ right: String, row: Int) {
    put(left, row: row, column: 0, role: .border)
    if size.columns > 1 { put(right, row: row, column: size.columns - 1, role: .border) }
  }
}
