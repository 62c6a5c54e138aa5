import Events
import HomeLayout
import NodeModel
import Terminal

/// A line of the Releases list: an app's row, or what is wrong with it or hangs in it.
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
        Cell(text, isBad ? .bad : .warning)
      }
      let note = trouble ?? hang(of: app).map { Cell($0, .busy) }
      return [ReleaseLine(app: app.name)]
        + [note.map { ReleaseLine(app: app.name, trouble: $0) }].compactMap { $0 }
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
      uniqueKeysWithValues: apps.map { ($0.name, releaseRow($0, isWide: isWide)) })
    let table = apps.compactMap { cells[$0.name] }
    let columns = Self.releaseColumns(isWide: isWide).whole(for: table)
    let layout = Layout(columns, rows: table, width: area.width - 1)
    var rows = area
    if showsListHeader(area.height) {
      frame.putHeader(layout, row: area.row, column: area.column + 1)
      rows = area.below(1)
    }
    let indent = area.width < 60 ? 3 : 1 + (layout.spans.dropFirst().first?.start ?? 2)
    for (offset, line) in releaseLines.dropFirst(tops[.view(.releases)] ?? 0).prefix(rows.height)
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
      Cell("2 shows the nodes that run on this host.", .aside),
    ]
  }

  private var noMatch: [Cell] {
    [Cell("No app matches '\(filters[.view(.releases)] ?? "")'."), Cell("Esc shows all.", .aside)]
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
  func releaseRow(_ app: Board.App, isWide: Bool) -> [Cell] {
    let release = app.shownRelease
    let ports = Set(app.liveRuns.filter { $0.state == .ready }.compactMap(\.port)).sorted()
    let shownPorts = ports.prefix(4).map(String.init) + (ports.count > 4 ? ["…"] : [])
    return [
      Cell(app.name), Cell(Wording.release(of: app)),
      Cell(state(of: app), Self.role(of: app.summary.state)),
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

// MARK: - Boots on the way

extension Model {
  /// Below this an application that is being started does not hang.
  private static let patience: Int64 = 2000

  /// The app's state in words; `booting 14/22` where a node tells how far it is.
  private func state(of app: Board.App) -> String {
    let text = Wording.state(of: app, at: now)
    guard let boot = bootingNode(of: app)?.boot, app.summary.state == .booting else { return text }
    let total = plannedCount(of: app)
    let word = RunState.booting.rawValue
    return "\(word) \(Wording.progress(boot, of: total))" + text.dropFirst(word.count)
  }

  /// `web.1 starts billing, waiting for Billing.Repo, in gen_server:call/3`, when that takes long.
  private func hang(of app: Board.App) -> String? {
    guard let node = bootingNode(of: app), let boot = node.boot, let current = boot.current,
      boot.milliseconds[current] ?? 0 >= Self.patience,
      case .run(_, let instance, _, _) = node.origin
    else { return nil }
    return "\(instance) starts \(current)" + (boot.hindrance.map { ", \($0)" } ?? "")
  }

  /// A node of the app that boots and tells how far it is.
  func bootingNode(of app: Board.App) -> NodeReport? {
    let state = app.summary.state
    guard state == .booting || state == .starting else { return nil }
    let runs = Set(app.liveRuns.filter { $0.state != .ready }.map(\.id))
    return nodes.first { node in
      guard case .run(app.name, _, let run, _) = node.origin, let boot = node.boot else {
        return false
      }
      return runs.contains(run) && !boot.isFinished
    }
  }

  private func plannedCount(of app: Board.App) -> Int? {
    guard let release = app.shownRelease, case .read(let otp?)? = manifests[release.slug] else {
      return nil
    }
    return otp.bootOrder.count
  }
}
