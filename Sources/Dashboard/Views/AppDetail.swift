import Events
import PlainText
import Terminal

/// The pane of one app: what is wrong and why, its instances, its last events.
struct AppDetail: Pane {
  var app: Board.App
  var runs: [InstanceReport]
  var selectedRun: InstanceReport?
  /// Whether the cursor is among the instances.
  var isInside: Bool
  /// Requests about the app that have no outcome yet.
  var requests: [Board.Request]
  /// Whether requests have no agent to carry them out.
  var lacksAgent: Bool
  /// The app's last events, oldest first.
  var events: [Event]
  var clock: WallClock

  /// The number of rows that show everything but the events.
  func wantedRows(in body: Area) -> Int {
    lines(width: body.width - 2, height: body.height).count + 2 + runs.count
  }

  func draw(_ frame: inout Frame, _ area: Area) {
    let hasRule = area.height > 2
    if hasRule { frame.put(area.paneRule, row: area.row, title: title) }
    var rest = hasRule ? area.below(1) : area
    let most = isInside ? rest.height / 2 : rest.height - min(rest.height, 1 + runs.count)
    let lines = lines(width: rest.width - 2, height: max(most, rest.height / 2))
    frame.put(lines, in: rest)
    rest = rest.below(lines.count)
    drawRuns(&frame, rest)
    drawEvents(&frame, rest.below(1 + max(1, runs.count)))
  }

  /// `billing v32 · deploy by ben · "Charge in cents" 4be1c90 · slug 9f3c0a`
  private var title: String {
    guard let release = app.shownRelease else { return app.name }
    let commit = [release.line.map { "\"\($0)\"" }, release.commit.map { String($0.prefix(7)) }]
      .compactMap { $0 }.joined(separator: " ")
    let what =
      release.from.map { "rollback to \($0)" }
      ?? (release.set ?? release.unset).map { _ in "config" } ?? "deploy"
    let parts = [
      "\(app.name) \(release.number)", what + (release.by.map { " by \($0)" } ?? ""), commit,
      "slug \(release.slug.prefix(6))",
      app.address ?? "", app.traffic.map(Self.words) ?? "",
      app.maintenance == nil ? "" : "maintenance",
      app.cluster.map { "cluster \($0.connected)/\($0.nodes)" } ?? "",
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: " · ")
  }

  /// `12 requests/s, 7 ms, 3 of 4010 failed`
  private static func words(of traffic: Traffic) -> String {
    let failed = traffic.failed == 0 ? "" : ", \(traffic.failed) of \(traffic.requests) failed"
    return "\(traffic.rate) requests/s, \(traffic.mean) ms" + failed
  }

  /// Cause, remedy and evidence, and the open requests; at most `height` lines.
  private func lines(width: Int, height: Int) -> [Cell] {
    var lines: [Cell] = []
    func add(_ text: String, _ role: Role, most: Int) {
      lines += Printable.wrap(text, to: max(2, width), most: most).map { Cell($0, role) }
    }
    let now = clock.now
    if let cause = selectedRun?.cause ?? app.worstCause(at: now) {
      let trouble =
        selectedRun?.cause.map { ($0.sentence, true) }
        ?? Wording.trouble(of: app, at: now)
      add(trouble?.0 ?? cause.sentence, trouble?.1 == false ? .warning : .bad, most: 3)
      if let remedy = cause.remedy { add(remedy, .text, most: 2) }
      for evidence in cause.evidence.prefix(8) {
        let lines = evidence.text.split(separator: "\n")
        add("\(evidence.place): \(lines.first ?? "")", .aside, most: 2)
        for line in lines.dropFirst() { add(String(line), .aside, most: 1) }
      }
    }
    for request in requests { add(words(of: request), .busy, most: 1) }
    return Array(lines.prefix(max(0, height)))
  }

  private func words(of request: Board.Request) -> String {
    let event = Event(
      sequence: request.sequence, id: request.id, time: clock.now, source: "",
      type: request.type, app: request.app, data: request.data)
    let progress =
      lacksAgent
      ? "waits, because no agent runs" : request.isAccepted ? "under way" : "requested"
    return "\(Wording.request(event)): \(progress)" + (request.data.by.map { " (by \($0))" } ?? "")
  }

  private func drawRuns(_ frame: inout Frame, _ area: Area) {
    if area.height == 0 { return }
    if runs.isEmpty { return frame.put([Cell("No instance runs.", .aside)], in: area) }
    var table = TableView.table([], Self.runColumns, runs.map(row))
    let height = table.rows(in: area)
    let selected = selectedRun.flatMap { run in
      runs.firstIndex { $0.run == run.run }
    }
    table.cursor = selected.map { $0...$0 }
    let top = selected.map { max(0, $0 - height + 1) } ?? 0
    table.top = top
    table.draw(&frame, area)
    let hidden = runs.count - top - height
    if hidden > 0, height > 1, selected != top + height - 1 {
      frame.putLast(Cell("… and \(hidden + 1) more", .aside), in: area)
    }
  }

  private static let runColumns = [
    Column("INSTANCE", minimum: 5), Column("STATE", minimum: 5, yields: 1),
    Column("RELEASE", minimum: 2, yields: 4), Column("PID", .right, minimum: 3, yields: 2),
    Column("PORT", .right, minimum: 4, yields: 2), Column("AGE", .right, minimum: 3, yields: 3),
    Column("RUN", .right, minimum: 3, yields: 6), Column("NODE", minimum: 4, yields: 5),
  ]

  private func row(of run: InstanceReport) -> [Cell] {
    let next = run.nextTry.map { ", next try \(Wording.moment($0, clock))" } ?? ""
    return [
      Cell(run.instance.description), Cell(run.stateWords + next, run.state.role),
      Cell(run.release.description), Cell(run.pid.map { "\($0)" } ?? "–"),
      Cell(run.port.map { "\($0)" } ?? "–"),
      Cell(Wording.age(since: run.since, at: clock.now), .aside), Cell("\(run.run)", .aside),
      Cell(run.node ?? "–", .aside),
    ]
  }

  /// Draws the last events, the newest at the end, as many as there is room for.
  private func drawEvents(_ frame: inout Frame, _ area: Area) {
    guard area.height > 3, !events.isEmpty else { return }
    let rows = events.suffix(area.height - 2).map { event in
      var row = EventsView.row(of: event, among: events, clock)
      row.remove(at: 2)
      return row
    }
    let columns = [
      Column("TIME", minimum: 8, yields: 1), Column("LAST EVENTS", minimum: 12),
      Column("WHAT", minimum: 10, grows: true, yields: 2), Column("BY", minimum: 4, yields: 3),
    ]
    let layout = Layout(columns, rows: rows, width: area.width - 2)
    frame.putHeader(layout, row: area.row + 1, column: area.column + 1)
    frame.put(rows, in: area.below(2), layout)
  }
}
