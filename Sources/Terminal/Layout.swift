import PlainText

/// A column of a table.
public struct Column: Equatable, Sendable {
  public enum Alignment: Sendable {
    case left, right
  }

  public var title: String
  public var alignment: Alignment
  /// Cells that it keeps as long as it is shown, even when nothing in it is that wide.
  public var minimum: Int
  /// Whether it takes a share of the width that is left.
  public var grows: Bool
  /// Which column gets its width last and is left out first: the one with the highest number;
  /// among equals the one further right.
  public var yields: Int

  public init(
    _ title: String, _ alignment: Alignment = .left, minimum: Int = 1, grows: Bool = false,
    yields: Int = 0
  ) {
    (self.title, self.alignment) = (title, alignment)
    self.minimum = max(1, minimum)
    (self.grows, self.yields) = (grows, yields)
  }
}

/// A cell of a table: a text and what it means.
public struct Cell: Equatable, Sendable {
  public var text: String
  public var role: Role

  public init(_ text: String, _ role: Role = .text) {
    (self.text, self.role) = (text, role)
  }
}

/// The places of a table's columns in a given width. Alignment and cutting are decided here, once for all rows.
public struct Layout: Equatable, Sendable {
  /// A column that is shown.
  public struct Span: Equatable, Sendable {
    /// Its number among the columns given.
    public var index: Int
    /// Cells from the left edge of the table.
    public var start: Int
    public var width: Int
    public var alignment: Column.Alignment
  }

  /// Blank cells between two columns.
  public static let gap = 2

  /// The columns shown, from left to right; they never reach past the width given.
  public let spans: [Span]
  fileprivate let titles: [Cell]

  /// Fits columns to their content and to `width`.
  ///
  /// Every column shown has its minimum first; then, in the order in which they yield, each grows to its widest cell;
  /// then those that grow share the rest. If not even the minimums fit, columns are left out.
  public init(_ columns: [Column], rows: some Sequence<[Cell]>, width: Int) {
    var natural = columns.map { max($0.minimum, Printable.width($0.title)) }
    for row in rows {
      for (index, cell) in row.prefix(columns.count).enumerated() where natural[index] < width {
        natural[index] = max(natural[index], Printable.width(cell.text))
      }
    }
    let widths = Layout.widths(columns, natural: natural, total: max(0, width))
    var start = 0
    var spans: [Span] = []
    for (index, column) in columns.enumerated() where widths[index] > 0 {
      spans.append(
        Span(index: index, start: start, width: widths[index], alignment: column.alignment))
      start += widths[index] + Layout.gap
    }
    self.spans = spans
    titles = columns.map { Cell($0.title, .header) }
  }

  /// 0 for a column that is left out.
  private static func widths(_ columns: [Column], natural: [Int], total: Int) -> [Int] {
    var order = columns.indices.sorted { (columns[$0].yields, $0) < (columns[$1].yields, $1) }
    var needed = order.reduce(-gap) { $0 + columns[$1].minimum + gap }
    while needed > total, order.count > 1, let last = order.popLast() {
      needed -= columns[last].minimum + gap
    }
    var widths = columns.map { _ in 0 }
    for index in order { widths[index] = min(columns[index].minimum, total) }
    var rest = max(0, total - needed)
    for index in order {
      let more = min(rest, max(0, natural[index] - widths[index]))
      widths[index] += more
      rest -= more
    }
    let growing = order.filter { columns[$0].grows }.sorted()
    for (position, index) in growing.enumerated() {
      let share = rest / (growing.count - position)
      widths[index] += share
      rest -= share
    }
    return widths
  }
}

extension Frame {
  /// Draws a row of a table; cells that are missing stay blank.
  public mutating func put(_ cells: [Cell], in layout: Layout, row: Int, column: Int = 0) {
    for span in layout.spans where cells.indices.contains(span.index) {
      let cell = cells[span.index]
      let text = Printable.cut(cell.text, to: span.width)
      let pad = span.alignment == .right ? span.width - Printable.width(text) : 0
      put(text, row: row, column: column + span.start + pad, width: span.width, role: cell.role)
    }
  }

  public mutating func putHeader(_ layout: Layout, row: Int, column: Int = 0) {
    put(layout.titles, in: layout, row: row, column: column)
  }
}
