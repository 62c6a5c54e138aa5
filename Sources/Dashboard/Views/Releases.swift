import ReleaseModel
import Terminal

/// A line of the Releases list: an app's row, or what is wrong with it.
struct ReleaseLine: Equatable {
  var app: String
  /// Nil for the row itself.
  var trouble: Cell?
}

extension Model {
  /// The list's lines without its header.
  var releaseLines: [ReleaseLine] {
    listedApps.flatMap { app in
      let trouble = Wording.trouble(of: app, at: now).map { text, isBad in
        ReleaseLine(app: app.name, trouble: Cell(text, isBad ? .bad : .warning))
      }
      return [ReleaseLine(app: app.name)] + [trouble].compactMap { $0 }
    }
  }

  func drawReleases(_ frame: inout Frame) {
    let (list, detail) = releaseAreas
    if list.height > 0 { drawList(&frame, list) }
    if detail.height > 0 { drawDetail(&frame, detail) }
  }

  private func drawList(_ frame: inout Frame, _ area: Area) {
    let apps = listedApps
    guard !apps.isEmpty else { return drawEmpty(&frame, area) }
    let isWide = area.width >= 100
    let cells = Dictionary(
      uniqueKeysWithValues: apps.map { ($0.name, Self.releaseRow($0, at: now, isWide: isWide)) })
    let table = apps.compactMap { cells[$0.name] }
    let columns = Self.releaseColumns(isWide: isWide).whole(for: table)
    let layout = Layout(columns, rows: table, width: area.width - 1)
    var rows = area
    if showsListHeader(area.height) {
      frame.putHeader(layout, row: area.row, column: area.column + 1)
      rows = area.below(1)
    }
    let indent = area.width < 60 ? 3 : 1 + (layout.spans.dropFirst().first?.start ?? 2)
    for (offset, line) in releaseLines.dropFirst(tops[.releases] ?? 0).prefix(rows.height)
      .enumerated()
    {
      let row = rows.row + offset
      if let trouble = line.trouble {
        frame.put(
          trouble.text, row: row, column: area.column + indent, width: area.width - indent - 1,
          role: trouble.role)
      } else {
        frame.put(cells[line.app] ?? [], in: layout, row: row, column: area.column + 1)
        if line.app == app {
          if !isInside { frame.paint(.selected, row: row, column: area.column, width: area.width) }
          frame.put("▸", row: row, column: area.column, role: isInside ? .key : .selected)
        }
      }
    }
  }

  private var noApps: [Cell] {
    if setting.isPast { return [Cell("There was no app yet.")] }
    return [
      Cell("No app is deployed here yet."), Cell("Deploy one with:"),
      Cell("  relctl deploy APP DIR", .key), Cell("Home: \(setting.home)", .aside),
    ]
  }

  private var noMatch: [Cell] {
    [Cell("No app matches '\(filters[.releases] ?? "")'."), Cell("Esc shows all.", .aside)]
  }

  private func drawEmpty(_ frame: inout Frame, _ area: Area) {
    let lines = board.apps.isEmpty ? noApps : noMatch
    let start = area.height > 8 ? area.row + 1 : area.row
    for (offset, line) in lines.prefix(area.height).enumerated() {
      frame.put(
        line.text, row: start + offset, column: area.column + 1, width: area.width - 2,
        role: line.role)
    }
  }

  static func releaseColumns(isWide: Bool) -> [Column] {
    [
      Column("APP", minimum: 6), Column("RELEASE", minimum: 2, yields: 3),
      Column("STATE", minimum: 5, yields: 1), Column("INSTANCES", minimum: 7, yields: 2),
    ] + (isWide ? [Column("PORTS", minimum: 5, yields: 6)] : []) + [
      Column("BY", minimum: 2, yields: 5), Column("AGE", .right, minimum: 3, yields: 4),
    ]
  }

  /// One app. Its state is always a word; the role only adds colour.
  static func releaseRow(_ app: Board.App, at now: Timestamp, isWide: Bool) -> [Cell] {
    let release = app.shownRelease
    let ports = Set(app.liveRuns.filter { $0.state == .ready }.compactMap(\.port)).sorted()
    let shownPorts = ports.prefix(4).map(String.init) + (ports.count > 4 ? ["…"] : [])
    return [
      Cell(app.name), Cell(Wording.release(of: app)),
      Cell(Wording.state(of: app, at: now), role(of: app.summary.state)),
      Cell(Wording.instances(of: app)),
    ] + (isWide ? [Cell(shownPorts.joined(separator: " "), .aside)] : []) + [
      Cell(release?.by ?? "–"), Cell(Wording.age(since: app.changed, at: now), .aside),
    ]
  }

  static func role(of state: RunState) -> Role {
    switch state {
    case .starting, .booting, .stopping: .busy
    case .ready: .ready
    case .unready: .warning
    case .crashed: .bad
    case .stopped: .idle
    }
  }
}
