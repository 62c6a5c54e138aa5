/// A table of texts, aligned for a plain stream.
public enum Table {
  /// The lines of `render`.
  public static func lines(_ rows: [[String]]) -> [String] {
    render(rows).split(separator: "\n").map(String.init)
  }

  /// Columns are two blanks apart; the last one is not padded. The text ends in a newline if there are rows.
  public static func render(_ rows: [[String]]) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.map { column < $0.count - 1 ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        column == row.count - 1
          ? cell : cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }
}
