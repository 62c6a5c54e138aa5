import Events
import NodeModel
import ReleaseModel
import Terminal

/// The Boot view: in which order a node's applications were started and how long each took, or the
/// order that the manifest plans.
struct BootView: TableBody {
  /// The release and its node, if there is one.
  var plan: ReleasePlan
  var list: ListPosition

  func table(width: Int) -> TableView {
    guard let node = plan.node else { return plannedTable }
    let known = knownBoot(of: node)
    let recorded =
      isUnseen(node) || known?.phases != nil ? known.map { timeline($0, of: node) } : nil
    guard let boot = recorded ?? node.boot else { return plannedTable }
    let fall = Waterfall(boot, planned: plannedOrder(of: node), last: lastBoot(besides: node))
    var heading = heading(
      of: node, fall, watcher: recorded == nil ? "reltui" : "the agent", known?.total)
    heading += BootPhases.lines(known).map { Cell($0, .aside) }
    let filter = list.filter
    let rows = fall.rows.filter { filter.passes([$0.application, $0.state.rawValue]) }
    return fall.hasTimes ? timedTable(heading, fall, rows) : orderTable(heading, rows, node)
  }

  /// Whether this dashboard connected after the node had booted.
  private func isUnseen(_ node: NodeReport) -> Bool {
    node.boot.map { $0.isFinished && $0.steps.isEmpty } ?? true
  }

  /// The boot as the agent has recorded it.
  private func knownBoot(of node: NodeReport) -> Board.Boot? {
    guard case .run(_, _, let run, _) = node.origin else { return nil }
    return plan.release?.boots?.last { $0.run == run }
  }

  private func timeline(_ boot: Board.Boot, of node: NodeReport) -> BootTimeline {
    BootTimeline(boot.milliseconds, order: plannedOrder(of: node))
  }

  private func lastBoot(besides node: NodeReport) -> [String: Int]? {
    let release = plan.release
    guard case .run(_, _, let run, _) = node.origin else { return release?.lastBoot }
    return release?.lastBoot(besides: run)
  }

  /// The manifest's order if it is known, else the node's own.
  private func plannedOrder(of node: NodeReport) -> [String] {
    if let planned = plan.otp?.bootOrder, !planned.isEmpty { return planned }
    return (node.snapshot?.applications ?? []).filter { $0.order != nil }.map(\.name)
  }

  /// - Parameters:
  ///   - watcher: the program that recorded the times.
  ///   - whole: milliseconds from the start of the command until the run was ready, if they are known.
  private func heading(
    of node: NodeReport, _ fall: Waterfall, watcher: String, _ whole: Int64?
  ) -> [Cell] {
    let boot = fall.boot
    var heading: [Cell] = []
    if boot.isFinished {
      let took = fall.hasTimes ? " in \(Wording.milliseconds(whole ?? boot.total))" : ""
      heading.append(Cell("\(node.name) · booted\(took)"))
    } else {
      let progress = Wording.progress(boot, of: fall.rows.count)
      let current = boot.current.map { ": \($0)" } ?? ""
      heading.append(Cell("\(node.name) · booting \(progress)\(current)", .busy))
    }
    if let hindrance = Wording.hindrance(of: node) { heading.append(Cell(hindrance, node.role)) }
    if !fall.hasTimes, boot.isFinished {
      heading.append(
        Cell("No boot times: \(watcher) connected after the applications had started.", .aside))
    } else if !boot.before.isEmpty {
      heading.append(
        Cell("Applications without a time had started before \(watcher) connected.", .aside))
    }
    return heading
  }

  // MARK: - With times

  private static let timedColumns = [
    Column("#", .right, minimum: 2, yields: 3), Column("APPLICATION", minimum: 8),
    Column("STATE", minimum: 5, yields: 1),
    Column("WHEN", minimum: 8, grows: true, yields: 5),
    Column("TIME", .right, minimum: 6, yields: 2),
    Column("LAST BOOT", .right, minimum: 6, yields: 4),
  ]

  private func timedTable(
    _ heading: [Cell], _ fall: Waterfall, _ rows: [Waterfall.Row]
  ) -> TableView {
    let current = rows.firstIndex { $0.state == .starting }
    let stack = current == nil ? [] : Array(fall.boot.stack.prefix(3))
    /// The row of a line; nil for a line of the stack below the current one.
    func row(_ line: Int) -> Int? {
      guard let current, line > current else { return line }
      return line <= current + stack.count ? nil : line - stack.count
    }
    return TableView(
      heading: heading, columns: Self.timedColumns, count: rows.count + stack.count,
      line: { line in
        guard let index = row(line) else {
          return .note(Cell("in \(stack[line - (current ?? 0) - 1])", .busy))
        }
        return .row(Self.timedRow(rows[index], index + 1))
      }, top: list.top,
      followed: current.map { $0...$0 + stack.count },
      fill: (
        column: 3,
        cell: { line, width in
          guard let index = row(line) else { return Cell("") }
          let bar = fall.bar(of: rows[index], width: width)
          return Cell(bar, rows[index].state == .starting ? .busy : .bar)
        }
      ))
  }

  private static func timedRow(_ row: Waterfall.Row, _ number: Int) -> [Cell] {
    let role = role(of: row.state)
    return [
      Cell("\(number)", .aside), Cell(row.application, row.state == .running ? .text : role),
      Cell(row.state.rawValue, role), Cell(""),
      Cell(row.milliseconds.map { Wording.milliseconds($0) } ?? "–", role == .busy ? .busy : .text),
      Cell(row.last.map { Wording.milliseconds($0) } ?? "–", .aside),
    ]
  }

  private static func role(of state: Waterfall.Row.State) -> Role {
    switch state {
    case .running: .ready
    case .starting: .busy
    case .planned: .aside
    case .notStarted: .warning
    }
  }

  // MARK: - Without times

  private static let orderColumns = [
    Column("#", .right, minimum: 2), Column("APPLICATION", minimum: 8),
    Column("STATE", minimum: 5), Column("VERSION", minimum: 4, yields: 2),
    Column("START", minimum: 4, yields: 1), Column("LAST BOOT", .right, minimum: 6, yields: 3),
    Column("DEPENDS ON", minimum: 6, grows: true, yields: 4),
  ]

  private func orderTable(
    _ heading: [Cell], _ rows: [Waterfall.Row], _ node: NodeReport
  ) -> TableView {
    let all = node.snapshot?.applications ?? []
    let known = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    return TableView(
      heading: heading, columns: Self.orderColumns, count: rows.count,
      line: { line in
        let row = rows[line]
        let application = known[row.application]
        return .row(
          Self.orderRow(
            row, line + 1, version: application?.version, type: application?.type,
            needs: application?.dependencies ?? []))
      }, top: list.top)
  }

  private static func orderRow(
    _ row: Waterfall.Row, _ number: Int, version: String?, type: OTPRelease.StartType?,
    needs: [String]
  ) -> [Cell] {
    [
      Cell("\(number)", .aside), Cell(row.application),
      Cell(row.state.rawValue, role(of: row.state)), Cell(version ?? "–", .aside),
      Cell(type?.rawValue ?? "–", .aside),
      Cell(row.last.map { Wording.milliseconds($0) } ?? "–", .aside),
      Cell(needs.prefix(40).joined(separator: " "), .aside),
    ]
  }

  /// The order in which the boot script starts applications, shown while no node reports more.
  private var plannedTable: TableView {
    guard let otp = plan.otp else { return TableView(heading: plan.heading) }
    let last = plan.release?.lastBoot
    let started = otp.applications.filter { $0.order != nil }
      .sorted { $0.order ?? 0 < $1.order ?? 0 }
    let rows = started.map { application in
      Self.orderRow(
        Waterfall.Row(
          application: application.name, state: .planned, last: last?[application.name]),
        application.order ?? 0, version: application.version, type: application.startType,
        needs: application.dependencies)
    }.filter { list.filter.passes($0.map(\.text)) }
    return .table(plan.heading, Self.orderColumns, rows, top: list.top)
  }
}
