import PlainText

/// One picture of the screen: a grid of cells, each with a glyph and a role.
///
/// Nothing drawn leaves the grid or the width it was given, and no two-cell cluster is ever drawn
/// by half, so views need no checks of their own. All text is cleaned as `Printable.clean` does.
public struct Frame: Equatable, Sendable {
  public struct Glyph: Equatable, Sendable {
    /// One cluster; empty in the right half of a two-cell cluster.
    public let text: String
    public let role: Role
    /// 1 or 2; 0 in the right half of a two-cell cluster.
    public let width: Int

    static let blank = Glyph(text: " ", role: .text, width: 1)

    static func blank(_ role: Role) -> Glyph { Glyph(text: " ", role: role, width: 1) }
  }

  public let size: Size
  /// Where the terminal's cursor is shown; hidden when nil or outside.
  public var cursor: Position?
  private var cells: [Glyph]

  public init(_ size: Size) {
    self.size = size
    cells = Array(repeating: .blank, count: size.columns * size.rows)
  }

  /// The cells of a row from left to right; none for a row outside.
  public func row(_ row: Int) -> ArraySlice<Glyph> {
    guard 0..<size.rows ~= row else { return [] }
    return cells[row * size.columns..<(row + 1) * size.columns]
  }

  /// Draws text from `column` on, cut with `…` to `width` cells and to the frame.
  /// - Returns: the cells used.
  @discardableResult
  public mutating func put(
    _ text: String, row: Int, column: Int, width: Int = .max, role: Role = .text
  ) -> Int {
    guard 0..<size.rows ~= row, 0..<size.columns ~= column else { return 0 }
    var at = column
    for cluster in Printable.clusters(text, cutTo: min(width, size.columns - column)) {
      set(Glyph(text: cluster.text, role: role, width: cluster.width), row: row, column: at)
      at += cluster.width
    }
    return at - column
  }

  /// Blanks `width` cells.
  public mutating func clear(row: Int, column: Int = 0, width: Int = .max) {
    for column in columns(row: row, column: column, width: width) {
      set(.blank, row: row, column: column)
    }
  }

  /// Gives `width` cells another role and leaves their text.
  public mutating func paint(_ role: Role, row: Int, column: Int = 0, width: Int = .max) {
    for column in columns(row: row, column: column, width: width) {
      let index = row * size.columns + column
      cells[index] = Glyph(text: cells[index].text, role: role, width: cells[index].width)
    }
  }

  /// Copies another frame into this one with its top left corner at `row` and `column`. Cells that
  /// lie outside are left out, also at the left and above. Its cursor, if any, is copied too.
  public mutating func place(_ frame: Frame, row: Int, column: Int) {
    let visible = max(0, -row)..<max(max(0, -row), min(frame.size.rows, size.rows - row))
    for source in visible {
      for (offset, cell) in frame.row(source).enumerated() where cell.width > 0 {
        let at = column + offset
        guard at < size.columns else { break }
        guard at + cell.width > 0 else { continue }
        let fits = at >= 0 && at + cell.width <= size.columns
        set(fits ? cell : .blank(cell.role), row: row + source, column: max(0, at))
      }
    }
    if let cursor = frame.cursor {
      self.cursor = Position(row: cursor.row + row, column: cursor.column + column)
    }
  }

  private func columns(row: Int, column: Int, width: Int) -> Range<Int> {
    guard 0..<size.rows ~= row, 0..<size.columns ~= column, width > 0 else { return 0..<0 }
    return column..<column + min(width, size.columns - column)
  }

  /// Sets a cell that lies in the grid, and blanks what remains of a cluster it cuts in two.
  private mutating func set(_ cell: Glyph, row: Int, column: Int) {
    let start = row * size.columns
    let index = start + column
    let after = index + cell.width
    if cells[index].width == 0, column > 0 { cells[index - 1] = .blank(cells[index - 1].role) }
    if after < start + size.columns, cells[after].width == 0 {
      cells[after] = .blank(cells[after].role)
    }
    cells[index] = cell
    if cell.width == 2 { cells[index + 1] = Glyph(text: "", role: cell.role, width: 0) }
  }
}
