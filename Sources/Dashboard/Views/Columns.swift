import PlainText
import Terminal

extension [Column] {
  /// The same columns, which would rather be left out than cut: each asks for its widest cell, up
  /// to a limit that keeps one long name from driving all others out.
  func whole(for rows: [[Cell]], upTo limit: Int = 14) -> [Column] {
    enumerated().map { index, column in
      guard !column.grows else { return column }
      let texts = rows.compactMap { $0.indices.contains(index) ? $0[index].text : nil }
      let widest = ([column.title] + texts).map(Printable.width).max() ?? 0
      var column = column
      column.minimum = Swift.max(column.minimum, Swift.min(limit, widest))
      return column
    }
  }
}
