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
  /// Draws a rule with a title in it: `┌ Apps ─────┐`.
  ///
  /// - Returns: the columns for the title, or an empty range where there is no room.
  @discardableResult
  public mutating func put(
    _ rule: Rule, row: Int, column: Int = 0, width: Int = .max, title: String = "",
    role: Role = .title
  ) -> Range<Int> {
    guard 0..<size.columns ~= column, width > 0 else { return 0..<0 }
    let width = min(width, size.columns - column)
    put(String(repeating: "─", count: width), row: row, column: column, role: .border)
    put(rule.ends.left, row: row, column: column, role: .border)
    if width > 1 { put(rule.ends.right, row: row, column: column + width - 1, role: .border) }
    let room = width - 5
    guard !title.isEmpty, room > 0 else { return column..<column }
    let text = " \(Printable.cut(title, to: room)) "
    let used = put(text, row: row, column: column + 1, role: role)
    return column + 2..<column + max(2, used)
  }

  /// Draws the left and right sides of a border on one row.
  public mutating func putSides(row: Int, column: Int = 0, width: Int = .max) {
    guard 0..<size.columns ~= column, width > 0 else { return }
    let width = min(width, size.columns - column)
    put("│", row: row, column: column, role: .border)
    if width > 1 { put("│", row: row, column: column + width - 1, role: .border) }
  }
}
