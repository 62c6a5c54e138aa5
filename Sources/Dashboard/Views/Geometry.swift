import Terminal

/// A rectangle of the screen.
struct Area: Equatable {
  var row: Int
  var column: Int
  var width: Int
  var height: Int

  /// What is left below some rows.
  func below(_ rows: Int) -> Area {
    let taken = min(max(0, rows), height)
    return Area(row: row + taken, column: column, width: width, height: height - taken)
  }

  func top(_ rows: Int) -> Area {
    Area(row: row, column: column, width: width, height: min(max(0, rows), height))
  }
}

/// Where the parts of the screen are. Small screens give up the heading first, then the tabs,
/// then the hints.
struct Geometry: Equatable {
  let size: Size
  let heading: Int?
  let tabs: Int?
  let hints: Int?
  /// The row of a notice or alert.
  let notice: Int?
  let hasSides: Bool
  /// Between tabs and hints, without sides.
  let body: Area

  init(_ size: Size, hasNotice: Bool) {
    self.size = size
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

extension Model {
  var geometry: Geometry { Geometry(size, hasNotice: notice != nil || alert != nil) }

  /// The rows of the Releases list with its header, and those of the pane below it.
  var releaseAreas: (list: Area, detail: Area) {
    let body = geometry.body
    guard selectedApp != nil else { return (body, body.below(body.height)) }
    if body.height < 10 {
      return isInside ? (body.top(0), body) : (body, body.below(body.height))
    }
    let wanted = releaseLines.count + 1
    let detail =
      detailLines(width: body.width - 2, height: body.height).count + 2 + listedRuns.count
    let list = min(wanted, max(body.height - detail, body.height / 2))
    return (body.top(list), body.below(list))
  }

  /// Rows that the moving part of the view has: what a page is, and what windows are held against.
  var listHeight: Int {
    switch view {
    case .releases:
      let list = releaseAreas.list.height
      return showsListHeader(list) ? list - 1 : list
    case .logs: return geometry.body.height - (geometry.body.height > 3 ? 1 : 0)
    case .events: return geometry.body.height - (Self.showsHeader(geometry.body.height) ? 1 : 0)
    case .nodes, .apps, .boot: return rows(for: sheet, in: sheetArea)
    }
  }

  /// The list has its titles also where one app and the titles are all there is room for.
  func showsListHeader(_ height: Int) -> Bool {
    Self.showsHeader(height) || height > releaseLines.count && height > 1
  }

  /// A table of three rows and more has its columns' titles.
  static func showsHeader(_ height: Int) -> Bool { height >= 3 }
}
