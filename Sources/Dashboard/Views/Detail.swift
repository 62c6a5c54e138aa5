import Events
import HomeLayout
import PlainText
import Terminal

extension Model {
  /// The selected app: what is wrong and why, then its instances.
  func drawDetail(_ frame: inout Frame, _ area: Area) {
    guard let app = selectedApp else { return }
    let hasRule = area.height > 2
    if hasRule { drawDetailRule(&frame, area.row, Self.title(of: app)) }
    var rest = hasRule ? area.below(1) : area
    let most = isInside ? rest.height / 2 : rest.height - min(rest.height, 1 + listedRuns.count)
    let lines = detailLines(width: rest.width - 2, height: max(most, rest.height / 2))
    for (offset, line) in lines.enumerated() {
      frame.put(
        line.text, row: rest.row + offset, column: rest.column + 1, width: rest.width - 2,
        role: line.role)
    }
    rest = rest.below(lines.count)
    drawRuns(&frame, rest)
    drawRecent(&frame, rest.below(1 + max(1, listedRuns.count)), of: app.name)
  }

  private func drawDetailRule(_ frame: inout Frame, _ row: Int, _ title: String) {
    frame.put(geometry.hasSides ? .middle : .plain, row: row, title: title)
  }

  /// `billing v32 · deploy by ben · "Charge in cents" 4be1c90 · slug 9f3c0a`
  static func title(of app: Board.App) -> String {
    guard let release = app.shownRelease else { return app.name }
    let commit = [release.line.map { "\"\($0)\"" }, release.commit.map { String($0.prefix(7)) }]
      .compactMap { $0 }.joined(separator: " ")
    let what =
      release.from.map { "rollback to \($0)" }
      ?? (release.set ?? release.unset).map { _ in "config" } ?? "deploy"
    let parts = [
      "\(app.name) \(release.number)", what + (release.by.map { " by \($0)" } ?? ""), commit,
      "slug \(release.slug.prefix(6))",
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: " · ")
  }

  /// Cause, remedy and evidence, and what is asked for and not done yet; at most `height` lines.
  func detailLines(width: Int, height: Int) -> [Cell] {
    guard let app = selectedApp else { return [] }
    var lines: [Cell] = []
    func add(_ text: String, _ role: Role, most: Int) {
      lines += Printable.wrap(text, to: max(2, width), most: most).map { Cell($0, role) }
    }
    if let cause = selectedRun?.cause ?? app.worstCause(at: now) {
      let trouble =
        selectedRun?.cause.map { ($0.sentence, true) } ?? Wording.trouble(of: app, at: now)
      add(trouble?.0 ?? cause.sentence, trouble?.1 == false ? .warning : .bad, most: 3)
      if let remedy = cause.remedy { add(remedy, .text, most: 2) }
      for evidence in cause.evidence.prefix(8) {
        add("\(evidence.place): \(evidence.text)", .aside, most: 2)
      }
    }
    for request in board.requests where request.app == app.name {
      add(
        Self.waiting(request, isAgentAlive: isAgentAlive || setting.isPast, now: now), .busy,
        most: 1)
    }
    return Array(lines.prefix(max(0, height)))
  }

  private static func waiting(
    _ request: Board.Request, isAgentAlive: Bool, now: Timestamp
  ) -> String {
    let event = Event(
      sequence: request.sequence, id: request.id, time: now, source: "", type: request.type,
      app: request.app, data: request.data)
    let state =
      !isAgentAlive
      ? "waits: no agent lives to do it" : request.isAccepted ? "under way" : "asked for"
    return "\(Wording.request(event)): \(state)" + (request.data.by.map { " (by \($0))" } ?? "")
  }

  private func drawRuns(_ frame: inout Frame, _ area: Area) {
    let runs = listedRuns
    guard area.height > 0 else { return }
    guard !runs.isEmpty else {
      frame.put("No instance runs.", row: area.row, column: area.column + 1, role: .aside)
      return
    }
    let cells = runs.map { Self.runRow($0, at: now) }
    let layout = Layout(Self.runColumns.whole(for: cells), rows: cells, width: area.width - 1)
    var rows = area
    if area.height >= 2 {
      frame.putHeader(layout, row: area.row, column: area.column + 1)
      rows = area.below(1)
    }
    let selected = selectedRun.flatMap { run in runs.firstIndex { $0.run == run.run } }
    let top = selected.map { max(0, $0 - rows.height + 1) } ?? 0
    for (offset, row) in cells.dropFirst(top).prefix(rows.height).enumerated() {
      let line = rows.row + offset
      frame.put(row, in: layout, row: line, column: area.column + 1)
      if top + offset == selected {
        frame.paint(.selected, row: line, column: area.column, width: area.width)
        frame.put("▸", row: line, column: area.column, role: .selected)
      }
    }
    let hidden = cells.count - top - rows.height
    if hidden > 0, rows.height > 1, selected != top + rows.height - 1 {
      let last = rows.row + rows.height - 1
      frame.clear(row: last, column: area.column, width: area.width)
      frame.put(
        "… and \(hidden + 1) more", row: last, column: area.column + 1, width: area.width - 2,
        role: .aside)
    }
  }

  private static let runColumns = [
    Column("INSTANCE", minimum: 5), Column("STATE", minimum: 5, yields: 1),
    Column("RELEASE", minimum: 2, yields: 4), Column("PID", .right, minimum: 3, yields: 2),
    Column("PORT", .right, minimum: 4, yields: 2), Column("AGE", .right, minimum: 3, yields: 3),
    Column("RUN", .right, minimum: 3, yields: 6), Column("NODE", minimum: 4, yields: 5),
  ]

  static func runRow(_ run: InstanceReport, at now: Timestamp) -> [Cell] {
    [
      Cell(run.instance.description), Cell(run.state.rawValue, role(of: run.state)),
      Cell(run.release.description), Cell(run.pid.map { "\($0)" } ?? "–"),
      Cell(run.port.map { "\($0)" } ?? "–"),
      Cell(Wording.age(since: run.since, at: now), .aside), Cell("\(run.run)", .aside),
      Cell(run.node ?? "–", .aside),
    ]
  }
}
