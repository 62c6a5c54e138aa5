import PlainText
import Terminal

/// A table below a heading of a few lines. Its lines are made when they are shown: a node may have
/// ten thousand applications, and a tree a hundred thousand processes.
struct TableView {
  enum Line {
    case row([Cell])
    /// A sentence about the row above, over the whole width.
    case note(Cell)
  }

  var heading: [Cell]
  var columns: [Column] = []
  var count = 0
  var line: (Int) -> Line = { _ in .row([]) }
  /// The line that keys act on, with the notes that belong to it.
  var cursor: ClosedRange<Int>?
  /// Whether keys act on another part of the screen, so that the cursor only marks its line.
  var isCursorFaint = false
  /// The first line shown; nil for a table that the operator has not scrolled.
  var top: Int?
  /// Lines that stay in sight until the operator scrolls.
  var followed: ClosedRange<Int>?
  /// A column, and a function that makes its cells for the width that the column gets.
  var fill: (column: Int, cell: (_ line: Int, _ width: Int) -> Cell)?

  /// A table of rows without notes.
  static func table(
    _ heading: [Cell], _ columns: [Column], _ rows: [[Cell]], top: Int? = nil
  ) -> TableView {
    TableView(
      heading: heading, columns: columns, count: rows.count, line: { .row(rows[$0]) }, top: top)
  }

  /// A row for each item, with a note below those that have one.
  static func list<Item>(
    _ items: [Item], _ position: ListPosition, _ columns: [Column],
    isSelected: (Item) -> Bool, note: (Item) -> Cell?, row: @escaping (Item) -> [Cell]
  ) -> TableView {
    var lines: [(item: Item, note: Cell?)] = []
    var cursor: ClosedRange<Int>?
    for item in items {
      let first = lines.count
      lines.append((item, nil))
      if let note = note(item) { lines.append((item, note)) }
      if isSelected(item) { cursor = first...lines.count - 1 }
    }
    let line = { (number: Int) -> Line in
      lines[number].note.map { .note($0) } ?? .row(row(lines[number].item))
    }
    return TableView(
      heading: [], columns: columns, count: lines.count, line: line, cursor: cursor,
      top: position.top)
  }

  /// The count of lines that decide how wide columns are, besides those that are shown.
  private static let measured = 500

  /// How many lines fit into an area.
  func rows(in area: Area) -> Int {
    let above = area.height > 4 ? heading.count : 0
    return max(0, area.height - above - (showsTitles(area.height) ? 1 : 0))
  }

  private func showsTitles(_ height: Int) -> Bool {
    columns.contains { !$0.title.isEmpty }
      && (Self.showsTitles(height) || height > count && height > 1)
  }

  /// A table of three rows and more has the titles of its columns.
  static func showsTitles(_ height: Int) -> Bool { height >= 3 }

  func firstLine(height: Int) -> Int {
    let last = max(0, count - max(1, height))
    if let top { return min(max(0, top), last) }
    guard let followed else { return 0 }
    return min(max(0, followed.upperBound - height + 1), followed.lowerBound, last)
  }

  func draw(_ frame: inout Frame, _ area: Area) {
    let hasTitles = showsTitles(area.height)
    let height = rows(in: area)
    let first = firstLine(height: height)
    var area = area
    if area.height > 4 || count == 0 {
      frame.put(heading, in: area)
      area = area.below(heading.count)
    }
    if count == 0 { return }
    let shown = first..<min(count, first + height)
    let layout = layout(shown, width: area.width - 2)
    if hasTitles {
      frame.putHeader(layout, row: area.row, column: area.column + 1)
      area = area.below(1)
    }
    for number in shown { draw(number, layout, &frame, area.below(number - first)) }
  }

  private func layout(_ shown: Range<Int>, width: Int) -> Layout {
    let numbers = Array(0..<min(count, Self.measured)) + shown.filter { $0 >= Self.measured }
    let rows = numbers.compactMap { if case .row(let cells) = line($0) { cells } else { nil } }
    return Layout(columns.whole(for: rows), rows: rows, width: width)
  }

  /// Draws one line at the top of an area.
  private func draw(_ number: Int, _ layout: Layout, _ frame: inout Frame, _ area: Area) {
    switch line(number) {
    case .note(let note):
      let start = area.width < 60 ? 3 : min(12, 1 + (layout.spans.dropFirst().first?.start ?? 2))
      frame.put(
        note.text, row: area.row, column: area.column + start, width: area.width - start - 1,
        role: note.role)
    case .row(var cells):
      if let fill, let span = layout.spans.first(where: { $0.index == fill.column }),
        cells.indices.contains(fill.column)
      {
        cells[fill.column] = fill.cell(number, span.width)
      }
      frame.put(cells, in: layout, row: area.row, column: area.column + 1)
    }
    guard cursor?.lowerBound == number else { return }
    if !isCursorFaint {
      frame.paint(.selected, row: area.row, column: area.column, width: area.width)
    }
    frame.put("▸", row: area.row, column: area.column, role: isCursorFaint ? .key : .selected)
  }
}

/// A table that is the whole view.
extension TableView: TableBody {
  func table(width: Int) -> TableView { self }
}

extension [Column] {
  /// The same columns with the width of the widest cell as the minimum, so that a column is left out
  /// rather than cut. The limit keeps one long name from displacing all other columns.
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
