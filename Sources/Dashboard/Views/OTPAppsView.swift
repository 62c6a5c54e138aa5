import Events
import NodeModel
import ReleaseModel
import Terminal

/// The OTP apps view of a node: the applications that it has reported.
struct OTPAppsView: TableBody {
  let node: NodeReport
  /// Those that the filter passes.
  let applications: [NodeSnapshot.Application]
  /// The name of the selected one.
  let cursor: String?
  let list: ListPosition

  func table(width: Int) -> TableView {
    var heading = [Cell(title)]
    if let hindrance = Wording.hindrance(of: node) {
      heading.append(Cell(hindrance, node.role))
      heading.append(Cell("The table shows its last answer.", .aside))
    }
    if applications.isEmpty { heading.append(Cell("No application matches.", .aside)) }
    let selected = applications.firstIndex { $0.name == cursor }.map { $0...$0 }
    let shares = node.survey?.applications
    return TableView(
      heading: heading, columns: Self.columns, count: applications.count,
      line: { .row(Self.row(of: applications[$0], shares)) }, cursor: selected, top: list.top)
  }

  private var title: String {
    let all = node.snapshot?.applications ?? []
    let running = all.reduce(0) { $0 + ($1.state == .running ? 1 : 0) }
    return "\(node.name) · \(Wording.state(of: node)) · \(running) of \(all.count) applications run"
  }

  private static let columns = [
    Column("APPLICATION", minimum: 8), Column("STATE", minimum: 5),
    Column("START", minimum: 4, yields: 4), Column("VERSION", minimum: 4, yields: 3),
    Column("MEM", .right, minimum: 3, yields: 1),
    Column("PROCESSES", .right, minimum: 3, yields: 2),
    Column("DEPENDS ON", minimum: 6, grows: true, yields: 5),
  ]

  private static func row(
    of application: NodeSnapshot.Application, _ shares: [String: ProcessSurvey.Share]?
  ) -> [Cell] {
    let share = shares?[application.name]
    let needed = application.dependencies.prefix(40).joined(separator: " ")
    return [
      Cell(application.name), Cell(application.state.rawValue, role(of: application.state)),
      Cell(application.type?.rawValue ?? "–", .aside), Cell(application.version, .aside),
      Cell(share.map { ByteCount.text($0.memory) } ?? "–"),
      Cell(share.map { Wording.number($0.processes) } ?? "–"), Cell(needed, .aside),
    ]
  }

  private static func role(of state: NodeSnapshot.Application.State) -> Role {
    switch state {
    case .loaded: .idle
    case .starting: .busy
    case .running: .ready
    }
  }
}

/// The OTP apps view while no node reports more: the applications that the release's manifest plans.
struct PlannedAppsView: TableBody {
  let plan: ReleasePlan
  let list: ListPosition

  func table(width: Int) -> TableView {
    guard let otp = plan.otp else { return TableView(heading: plan.heading) }
    let rows = otp.applications.map { application in
      [
        Cell(application.name), Cell(application.version),
        Cell(application.startType.rawValue, Self.role(of: application.startType)),
        Cell("\(application.modules)", .aside), Cell(application.description, .aside),
      ]
    }.filter { list.filter.passes($0.map(\.text)) }
    return .table(plan.heading, Self.columns, rows, top: list.top)
  }

  private static let columns = [
    Column("APPLICATION", minimum: 8), Column("VERSION", minimum: 4, yields: 1),
    Column("START", minimum: 4, yields: 1), Column("MODULES", .right, minimum: 3, yields: 3),
    Column("DESCRIPTION", minimum: 6, yields: 4),
  ]

  /// A permanent application ends the node when it ends.
  private static func role(of type: OTPRelease.StartType) -> Role {
    switch type {
    case .permanent, .transient: .text
    case .temporary, .load, .none: .aside
    }
  }
}
