import Events
import NodeModel
import ReleaseModel
import Terminal

extension Model {
  /// The applications of the shown node; of one that cannot be asked what its release's manifest plans.
  var applicationSheet: Sheet {
    guard let node = shownNode, showsLiveApplications else { return plannedApplications }
    let listed = listedApplications
    var heading = [Cell(Self.applicationTitle(of: node))]
    if let hindrance = Wording.hindrance(of: node) {
      heading.append(Cell(hindrance, Self.role(of: node)))
      heading.append(Cell("As it was when it last told.", .aside))
    }
    if listed.isEmpty { heading.append(Cell("No application matches.", .aside)) }
    let name = cursorApplication?.name
    let cursor = listed.firstIndex { $0.name == name }.map { $0...$0 }
    let shares = node.survey?.applications
    return Sheet(
      heading: heading, columns: Self.applicationColumns, count: listed.count,
      line: { .row(Self.row(of: listed[$0], shares)) }, cursor: cursor)
  }

  private static func applicationTitle(of node: NodeReport) -> String {
    let all = node.snapshot?.applications ?? []
    let running = all.reduce(0) { $0 + ($1.state == .running ? 1 : 0) }
    return "\(node.name) · \(Wording.state(of: node)) · \(running) of \(all.count) applications run"
  }

  private static let applicationColumns = [
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

  /// The applications of the release, as its manifest lists them.
  private var plannedApplications: Sheet {
    if let heading = missingPlan { return Sheet(heading: heading) }
    guard let otp = plannedRelease else { return Sheet(heading: []) }
    let filter = Filter(filters[.view(.apps)])
    let rows = otp.applications.map { application in
      [
        Cell(application.name), Cell(application.version),
        Cell(application.startType.rawValue, Self.role(of: application.startType)),
        Cell("\(application.modules)", .aside), Cell(application.description, .aside),
      ]
    }.filter { filter.passes($0.map(\.text)) }
    let columns = [
      Column("APPLICATION", minimum: 8), Column("VERSION", minimum: 4, yields: 1),
      Column("START", minimum: 4, yields: 1), Column("MODULES", .right, minimum: 3, yields: 3),
      Column("DESCRIPTION", minimum: 6, yields: 4),
    ]
    return .table(planHeading(otp), columns, rows)
  }
}

// MARK: - What a manifest plans

extension Model {
  /// The OTP release of the shown app's release.
  var plannedRelease: OTPRelease? {
    guard let slug = shownRelease?.slug, case .read(let release)? = manifests[slug]
    else { return nil }
    return release
  }

  /// What the plan is, and why it is shown.
  func planHeading(_ otp: OTPRelease) -> [Cell] {
    let release = shownRelease.map { " \($0.number)" } ?? ""
    return [
      Cell(
        "\(shownApp?.name ?? "")\(release) · \(otp.name) \(otp.version) · ERTS \(otp.ertsVersion)"),
      Cell("\(Self.count(otp)), as its manifest plans.", .aside), whyPlanned,
    ]
  }

  /// Why the plan is shown rather than the node.
  private var whyPlanned: Cell {
    if setting.isPast { return Cell("What its nodes had to say then is not kept.", .aside) }
    guard let node = shownNode else { return Cell("No node of it runs.", .aside) }
    return Cell(
      "\(node.name): \(Wording.hindrance(of: node) ?? "Asking it …")", Self.role(of: node))
  }

  /// Why there is no plan to show; nil where there is one.
  var missingPlan: [Cell]? {
    guard let app = shownApp else {
      guard let node = shownNode else { return [Cell(Wording.sentence(.noApp))] }
      return [Cell(node.name)] + [whyPlanned]
    }
    guard let release = shownRelease else {
      return [Cell(Wording.sentence(.operation(.noRelease(app: app.name))))]
    }
    let slug = "slug \(release.slug.prefix(6))"
    switch manifests[release.slug] {
    case nil, .asked: return [Cell("Reading \(slug) …", .aside)]
    case .unreadable(let cause):
      return [Cell(cause.sentence, .bad)] + [cause.remedy.map { Cell($0) }].compactMap { $0 }
    case .read(nil): return [Cell("\(slug) of \(app.name) holds no OTP release.")]
    case .read(.some): return nil
    }
  }

  private static func count(_ release: OTPRelease) -> String {
    "\(release.bootOrder.count) of \(release.applications.count) applications start"
  }

  /// A permanent application takes the node with it.
  static func role(of type: OTPRelease.StartType) -> Role {
    switch type {
    case .permanent, .transient: .text
    case .temporary, .load, .none: .aside
    }
  }
}
