import Terminal

/// A rectangle of the screen.
struct Area: Equatable {
  var row: Int
  var column: Int
  var width: Int
  var height: Int

  /// The rest of the area below some rows.
  func below(_ rows: Int) -> Area {
    let taken = min(max(0, rows), height)
    return Area(row: row + taken, column: column, width: width, height: height - taken)
  }

  func top(_ rows: Int) -> Area {
    Area(row: row, column: column, width: width, height: min(max(0, rows), height))
  }

  /// The rule that begins a pane: it joins the sides of the screen if there are any.
  var paneRule: Rule { column > 0 ? .middle : .plain }
}

/// The places of the parts of the screen. Small screens lose the heading first, then the tabs, then the hints.
struct Geometry: Equatable {
  let heading: Int?
  let tabs: Int?
  let hints: Int?
  /// The row of a notice or alert.
  let notice: Int?
  let hasSides: Bool
  /// Between tabs and hints, without sides.
  let body: Area

  init(_ size: Size, hasNotice: Bool) {
    heading = size.rows >= 4 ? 0 : nil
    tabs = size.rows >= 4 ? 1 : size.rows == 3 ? 0 : nil
    hints = size.rows >= 2 ? size.rows - 1 : nil
    hasSides = size.columns >= 30
    let first = (tabs ?? -1) + 1
    let last = hints ?? size.rows
    notice = hasNotice && last - first >= 2 ? last - 1 : nil
    body = Area(
      row: first, column: hasSides ? 1 : 0, width: max(0, size.columns - (hasSides ? 2 : 0)),
      height: max(0, (notice ?? last) - first))
  }
}

/// A view between the tabs and the hints. It is made from its state, and draws nothing else.
protocol BodyView {
  /// The number of rows in the part that scrolls: the height of a page.
  func rows(in body: Area) -> Int
  func draw(_ frame: inout Frame, in body: Area)
}

/// A view whose scrolling part is a table.
protocol TableBody: BodyView {
  /// - Parameter width: cells of the area that the table is drawn into.
  func table(width: Int) -> TableView
}

extension TableBody {
  func rows(in body: Area) -> Int { table(width: body.width).rows(in: body) }

  func draw(_ frame: inout Frame, in body: Area) { table(width: body.width).draw(&frame, body) }
}

/// A part of a view, below a list, that shows more about the selected row.
protocol Pane {
  /// The number of rows that its most important lines need.
  func wantedRows(in body: Area) -> Int
  func draw(_ frame: inout Frame, _ area: Area)
}

/// A list, and below it the pane of the selected row.
protocol ListAndPane: TableBody {
  var pane: (any Pane)? { get }
  /// Whether the pane takes the place of the list if there is no room for both.
  var showsPaneAlone: Bool { get }
}

extension ListAndPane {
  var showsPaneAlone: Bool { false }

  /// - Parameter count: the number of lines in the list.
  private func areas(in body: Area, count: Int) -> (list: Area, pane: Area) {
    guard let pane else { return (body, body.below(body.height)) }
    if body.height < 10 {
      return showsPaneAlone ? (body.top(0), body) : (body, body.below(body.height))
    }
    let rows = min(count + 1, max(body.height - pane.wantedRows(in: body), body.height / 2))
    return (body.top(rows), body.below(rows))
  }

  /// Whether there is room for the pane.
  func hasPane(in body: Area) -> Bool {
    areas(in: body, count: table(width: body.width).count).pane.height > 0
  }

  func rows(in body: Area) -> Int {
    let table = table(width: body.width)
    return table.rows(in: areas(in: body, count: table.count).list)
  }

  func draw(_ frame: inout Frame, in body: Area) {
    let table = table(width: body.width)
    let areas = areas(in: body, count: table.count)
    if areas.list.height > 0 { table.draw(&frame, areas.list) }
    if areas.pane.height > 0 { pane?.draw(&frame, areas.pane) }
  }
}

extension Frame {
  /// Lines of a pane, one below the other.
  mutating func put(_ lines: some Sequence<Cell>, in area: Area) {
    for (offset, line) in lines.prefix(area.height).enumerated() {
      put(
        line.text, row: area.row + offset, column: area.column + 1, width: area.width - 2,
        role: line.role)
    }
  }

  /// A line in the place of the last one of an area.
  mutating func putLast(_ line: Cell, in area: Area) {
    let last = area.below(area.height - 1)
    clear(row: last.row, column: last.column, width: last.width)
    put([line], in: last)
  }

  /// Rows of a table, one below the other.
  mutating func put(_ rows: some Sequence<[Cell]>, in area: Area, _ layout: Layout) {
    for (offset, row) in rows.prefix(area.height).enumerated() {
      put(row, in: layout, row: area.row + offset, column: area.column + 1)
    }
  }
}
