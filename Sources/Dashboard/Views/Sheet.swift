import ReleaseModel
import Terminal

/// A table that only scrolls, under a few lines that say what it is.
struct Sheet {
  var heading: [Cell]
  var columns: [Column] = []
  var rows: [[Cell]] = []
}

extension Model {
  var sheet: Sheet {
    switch view {
    case .nodes: nodeSheet
    case .apps: applicationSheet
    case .boot: bootSheet
    case .releases, .logs, .events: Sheet(heading: [])
    }
  }

  var tableRows: Int { sheet.rows.count }

  /// The rows left for the table's rows.
  var sheetHeight: Int {
    let height = geometry.body.height
    return max(
      0,
      height - (height > 4 ? sheet.heading.count : 0)
        - (Self.showsHeader(height) ? 1 : 0))
  }

  func drawSheet(_ frame: inout Frame, _ area: Area) {
    let sheet = sheet
    var area = area
    if area.height > 4 || sheet.rows.isEmpty {
      for (offset, line) in sheet.heading.prefix(area.height).enumerated() {
        frame.put(
          line.text, row: area.row + offset, column: area.column + 1, width: area.width - 2,
          role: line.role)
      }
      area = area.below(sheet.heading.count)
    }
    guard !sheet.rows.isEmpty else { return }
    let columns = sheet.columns.whole(for: sheet.rows)
    let layout = Layout(columns, rows: sheet.rows, width: area.width - 2)
    if Self.showsHeader(geometry.body.height) {
      frame.putHeader(layout, row: area.row, column: area.column + 1)
      area = area.below(1)
    }
    let rows = sheet.rows.dropFirst(tops[view] ?? 0).prefix(area.height)
    for (offset, row) in rows.enumerated() {
      frame.put(row, in: layout, row: area.row + offset, column: area.column + 1)
    }
  }

  /// The nodes that the log says were started. What they say of themselves is not asked.
  private var nodeSheet: Sheet {
    let filter = Filter(filters[.nodes])
    let rows: [[Cell]] = board.apps.values.sorted { $0.name < $1.name }.flatMap { app in
      app.liveRuns.sorted { ($0.instance, $0.id) < ($1.instance, $1.id) }.map { run in
        [
          Cell(run.node ?? "–"), Cell(app.name), Cell(run.instance.description),
          Cell(run.release.description), Cell(run.state.rawValue, Self.role(of: run.state)),
          Cell(run.pid.map { "\($0)" } ?? "–"), Cell(run.port.map { "\($0)" } ?? "–"),
        ]
      }
    }.filter { filter.passes($0.map(\.text)) }
    let note = Cell(
      "Node names as they were started; nodes are not asked for live data yet.", .aside)
    let columns = [
      Column("NODE", minimum: 8, yields: 1), Column("APP", minimum: 5),
      Column("INSTANCE", minimum: 5), Column("RELEASE", minimum: 2, yields: 4),
      Column("STATE", minimum: 5), Column("PID", .right, minimum: 3, yields: 2),
      Column("PORT", .right, minimum: 4, yields: 3),
    ]
    return Sheet(
      heading: [note] + (rows.isEmpty ? [Cell("No node runs.")] : []), columns: columns, rows: rows)
  }

  /// The applications of the release, as its manifest lists them.
  private var applicationSheet: Sheet {
    planSheet { release in
      let rows = release.applications.map { application in
        [
          Cell(application.name), Cell(application.version),
          Cell(application.startType.rawValue, Self.role(of: application.startType)),
          Cell("\(application.modules)", .aside), Cell(application.description, .aside),
        ]
      }
      let columns = [
        Column("APPLICATION", minimum: 8), Column("VERSION", minimum: 4, yields: 1),
        Column("START", minimum: 4, yields: 1), Column("MODULES", .right, minimum: 3, yields: 3),
        Column("DESCRIPTION", minimum: 6, yields: 4),
      ]
      return (columns, rows)
    }
  }

  /// The order in which the boot script starts applications. How long each takes is not known.
  private var bootSheet: Sheet {
    planSheet { release in
      let started = release.applications.filter { $0.order != nil }
        .sorted { $0.order ?? 0 < $1.order ?? 0 }
      let rows = started.map { application in
        [
          Cell(application.order.map { "\($0)" } ?? "–", .aside), Cell(application.name),
          Cell(application.version),
          Cell(application.startType.rawValue, Self.role(of: application.startType)),
          Cell(application.dependencies.joined(separator: " "), .aside),
        ]
      }
      let columns = [
        Column("#", .right, minimum: 2), Column("APPLICATION", minimum: 8),
        Column("VERSION", minimum: 4, yields: 1), Column("START", minimum: 4, yields: 1),
        Column("DEPENDS ON", minimum: 6, yields: 4),
      ]
      return (columns, rows)
    }
  }

  /// A view of what a manifest plans, or why there is none.
  private func planSheet(_ table: (OTPRelease) -> (columns: [Column], rows: [[Cell]])) -> Sheet {
    guard let app = selectedApp else { return Sheet(heading: [Cell(Wording.sentence(.noApp))]) }
    guard let release = app.shownRelease else {
      return Sheet(heading: [Cell(Wording.sentence(.noRelease(app: app.name)))])
    }
    let slug = "slug \(release.slug.prefix(6))"
    switch manifests[release.slug] {
    case nil, .asked: return Sheet(heading: [Cell("Reading \(slug) …", .aside)])
    case .unreadable(let cause):
      return Sheet(
        heading: [Cell(cause.sentence, .bad)] + [cause.remedy.map { Cell($0) }].compactMap { $0 })
    case .read(nil):
      return Sheet(heading: [Cell("\(slug) of \(app.name) holds no OTP release.")])
    case .read(.some(let otp)):
      let (columns, all) = table(otp)
      let filter = Filter(filters[view])
      let rows = all.filter { filter.passes($0.map(\.text)) }
      let what =
        "\(app.name) \(release.number) · \(otp.name) \(otp.version) · ERTS \(otp.ertsVersion)"
      let note = "\(Self.count(otp)), as its manifest plans; live data is not read yet."
      let heading = [Cell(what), Cell(note, .aside)]
      return Sheet(heading: heading, columns: columns, rows: rows)
    }
  }

  private static func count(_ release: OTPRelease) -> String {
    "\(release.bootOrder.count) of \(release.applications.count) applications start"
  }

  /// A permanent application takes the node with it.
  private static func role(of type: OTPRelease.StartType) -> Role {
    switch type {
    case .permanent, .transient: .text
    case .temporary, .load, .none: .aside
    }
  }
}
