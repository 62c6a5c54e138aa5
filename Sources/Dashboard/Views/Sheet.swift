import Terminal

/// A table under a few lines that say what it is. Its lines are made when they are shown: a node may have ten
/// thousand applications, and a tree a hundred thousand processes.
struct Sheet {
  enum Line {
    case row([Cell])
    /// Said of the row above, over the whole width.
    case note(Cell)
  }

  var heading: [Cell]
  var columns: [Column] = []
  var count = 0
  var line: (Int) -> Line = { _ in .row([]) }
  /// The line that keys act on, with the notes that belong to it.
  var cursor: ClosedRange<Int>?
  /// Lines that stay in sight until somebody scrolls.
  var followed: ClosedRange<Int>?
  /// What the column with the number shows in a line, made to the width that it came to have.
  var fill: (column: Int, cell: (_ line: Int, _ width: Int) -> Cell)?

  /// A table of rows without notes.
  static func table(_ heading: [Cell], _ columns: [Column], _ rows: [[Cell]]) -> Sheet {
    Sheet(heading: heading, columns: columns, count: rows.count) { .row(rows[$0]) }
  }

  /// So many lines decide how wide columns are, besides those that are shown.
  private static let measured = 500

  var hasTitles: Bool { columns.contains { !$0.title.isEmpty } }

  fileprivate func layout(_ shown: Range<Int>, width: Int) -> Layout {
    let numbers = Array(0..<min(count, Self.measured)) + shown.filter { $0 >= Self.measured }
    let rows = numbers.compactMap { if case .row(let cells) = line($0) { cells } else { nil } }
    return Layout(columns.whole(for: rows), rows: rows, width: width)
  }
}

extension Model {
  var sheet: Sheet {
    switch place {
    case .view(.nodes): nodeSheet
    case .view(.apps): applicationSheet
    case .view(.boot): bootSheet
    case .settings: settingsSheet
    case .tree: treeSheet
    case .view(.releases), .view(.logs), .view(.events): Sheet(heading: [])
    }
  }

  /// Where the sheet of this view is.
  var sheetArea: Area { place == .view(.nodes) ? nodeAreas.list : geometry.body }

  /// How many lines a sheet has room for in an area.
  func rows(for sheet: Sheet, in area: Area) -> Int {
    let heading = area.height > 4 ? sheet.heading.count : 0
    return max(0, area.height - heading - (Self.showsTitles(of: sheet, area.height) ? 1 : 0))
  }

  private static func showsTitles(of sheet: Sheet, _ height: Int) -> Bool {
    sheet.hasTitles && (showsHeader(height) || height > sheet.count && height > 1)
  }

  /// The first line of a sheet that is shown.
  func top(of sheet: Sheet, height: Int) -> Int {
    let last = max(0, sheet.count - max(1, height))
    if let top = tops[place] { return min(max(0, top), last) }
    guard let followed = sheet.followed else { return 0 }
    return min(max(0, followed.upperBound - height + 1), followed.lowerBound, last)
  }

  func draw(_ sheet: Sheet, _ frame: inout Frame, _ area: Area) {
    let isTall = Self.showsTitles(of: sheet, area.height)
    let height = rows(for: sheet, in: area)
    let first = top(of: sheet, height: height)
    var area = area
    if area.height > 4 || sheet.count == 0 {
      for (offset, line) in sheet.heading.prefix(area.height).enumerated() {
        frame.put(
          line.text, row: area.row + offset, column: area.column + 1, width: area.width - 2,
          role: line.role)
      }
      area = area.below(sheet.heading.count)
    }
    if sheet.count == 0 { return }
    let shown = first..<min(sheet.count, first + height)
    let layout = sheet.layout(shown, width: area.width - 2)
    if isTall {
      frame.putHeader(layout, row: area.row, column: area.column + 1)
      area = area.below(1)
    }
    for number in shown {
      draw(number, of: sheet, layout, &frame, area.below(number - first))
    }
  }

  /// Draws one line at the top of an area.
  private func draw(
    _ number: Int, of sheet: Sheet, _ layout: Layout, _ frame: inout Frame, _ area: Area
  ) {
    switch sheet.line(number) {
    case .note(let note):
      let indent = area.width < 60 ? 3 : 1 + (layout.spans.dropFirst().first?.start ?? 2)
      let start = min(indent, 12)
      frame.put(
        note.text, row: area.row, column: area.column + start, width: area.width - start - 1,
        role: note.role)
    case .row(var cells):
      if let fill = sheet.fill, let span = layout.spans.first(where: { $0.index == fill.column }),
        cells.indices.contains(fill.column)
      {
        cells[fill.column] = fill.cell(number, span.width)
      }
      frame.put(cells, in: layout, row: area.row, column: area.column + 1)
    }
    if sheet.cursor?.lowerBound == number {
      frame.paint(.selected, row: area.row, column: area.column, width: area.width)
      frame.put("▸", row: area.row, column: area.column, role: .selected)
    }
  }
}
