import Events
import ReleaseModel
import Terminal

// The state that each part of the screen is drawn from.

extension Model {
  /// The whole screen.
  public func frame() -> Frame { screen.frame(size) }

  var geometry: Geometry { Geometry(size, hasNotice: notice != nil || alert != nil) }

  private var screen: DashboardScreen {
    var screen = DashboardScreen(
      heading: heading, tab: view,
      body: body, notice: notice ?? alert.map { Notice(text: $0, role: .warning) },
      bar: HintsBar(text: shownText, isTyping: mode.isTyping, hints: hints))
    switch mode {
    case .help(let top): (screen.tab, screen.body) = (nil, helpPage(top: top))
    case .question(let question): screen.dialog = .question(question)
    case .choice(let choice): screen.dialog = .level(choice)
    case .normal, .typing: break
    }
    return screen
  }

  func helpPage(top: Int) -> HelpPage { HelpPage(isReadOnly: setting.isReadOnly, top: top) }

  private var heading: Heading {
    var heading = Heading(host: setting.host)
    if board.apps.isEmpty, setting.namesNodes || !nodes.isEmpty {
      heading.add(nodes.count, "node", troubled: nodes.count { $0.isInTrouble && !$0.isShut })
    } else {
      let apps = board.apps.values
      let previews = apps.count { $0.preview != nil }
      heading.add(
        apps.count - previews, "app",
        troubled: apps.count { $0.preview == nil && $0.isInTrouble(at: clock.now) })
      let instances = apps.reduce(0) { $0 + $1.liveRuns.count }
      if previews > 0 { heading.add(Heading.count(previews, "preview"), rank: 5) }
      heading.add(Heading.count(instances, "instance"), rank: 4)
      if setting.isPast {
        let date = Wording.date(clock.now, clock.utcOffset)
        heading.add("as it was " + date, .warning, rank: 0)
        return heading
      }
      heading.add(
        isAgentAlive ? "agent ok" : "agent absent", isAgentAlive ? .aside : .warning,
        rank: isAgentAlive ? 2 : 1)
    }
    heading.add(Wording.clock(clock), rank: 2)
    return heading
  }

  /// `/text` for the filter, also while it is typed; `find: text` while a search is typed.
  private var shownText: String? {
    if case .typing(.search, _) = mode { return "find: \(logs.search.text)" }
    let text = list.text ?? ""
    return text.isEmpty && !mode.isTyping ? nil : "/\(text)"
  }

  private var hints: [Hint] {
    KeyCommand.hinted(in: self).filter { $0.refusal(in: self) == nil }.compactMap { command in
      command.hint.map { Hint(key: command.keys.first?.name ?? "", words: $0) }
    }
  }

  // MARK: - Views

  /// The shown view or page with its state.
  var body: any BodyView {
    switch page {
    case .view(.apps): appsView
    case .view(.nodes): nodesView
    case .view(.otpApps): otpAppsView
    case .view(.boot): BootView(plan: plan, list: list)
    case .view(.logs): logsView
    case .view(.events):
      EventsView(events: events, filter: list.filter, clock: clock)
    case .view(.previews):
      PreviewsView(
        previews: listedPreviews, list: list, cursor: selection.app, empty: emptyPreviews,
        clock: clock)
    case .settings:
      NodeSettingsPage(node: nodes.first { $0.id == selection.openSettings }, list: list)
    case .tree: treePage
    }
  }

  private var appsView: AppsView {
    AppsView(
      apps: listedApps.map { AppsView.App(app: $0, boot: boot(of: $0)) },
      list: position(of: .view(.apps)), cursor: app, detail: appDetail, empty: emptyApps,
      clock: clock)
  }

  private func boot(of app: Board.App) -> AppsView.Boot? {
    guard let node = bootingNode(of: app), let timeline = node.boot,
      case .run(_, let instance, _, _) = node.origin
    else { return nil }
    var planned: OTPRelease?
    if let slug = app.shownRelease?.slug, case .read(let manifest)? = manifests[slug] {
      planned = manifest.release(startedBy: instance.process)
    }
    return AppsView.Boot(instance: instance, timeline: timeline, planned: planned?.bootOrder.count)
  }

  private var appDetail: AppDetail? {
    guard let app = selectedApp else { return nil }
    let recent = events.rows.reversed().lazy.filter { $0.app == app.name }.prefix(size.rows)
    return AppDetail(
      app: app, runs: listedRuns, selectedRun: selectedRun, isInside: selection.isInside,
      requests: board.requests.filter { $0.app == app.name },
      lacksAgent: !isAgentAlive && !setting.isPast, events: recent.reversed(), clock: clock)
  }

  private var emptyPreviews: [Cell] {
    if !board.previews().isEmpty { return Self.noMatch("preview", position(of: .view(.previews))) }
    return [
      Cell("No preview is open."), Cell("Open one with:"),
      Cell("  relctl preview open --app APP --pr NUMBER DIR", .key),
    ]
  }

  private var emptyApps: [Cell] {
    if !board.apps.isEmpty { return Self.noMatch("app", position(of: .view(.apps))) }
    if setting.isPast { return [Cell("There was no app yet.")] }
    return [
      Cell("No app is deployed here yet."), Cell("Deploy one with:"),
      Cell("  relctl deploy APP DIR", .key), Cell("Home: \(setting.home)", .aside),
      Cell("2 shows the nodes that run on this host.", .aside),
    ]
  }

  var nodesView: NodesView {
    NodesView(
      nodes: listedNodes, list: position(of: .view(.nodes)), cursor: cursorNode,
      empty: emptyNodes, clock: clock)
  }

  private var emptyNodes: [Cell] {
    if setting.isPast { return [Cell("What nodes said then is not kept.")] }
    if !nodes.isEmpty { return Self.noMatch("node", position(of: .view(.nodes))) }
    if setting.namesNodes { return [Cell("The nodes that were named are not known yet.")] }
    return [
      Cell("No node is known yet."),
      Cell("Nodes that run on this host are listed when they are found.", .aside),
      Cell("For one elsewhere: reltui --node NAME@HOST", .aside),
    ]
  }

  private static func noMatch(_ word: String, _ list: ListPosition) -> [Cell] {
    [Cell("No \(word) matches '\(list.text ?? "")'."), Cell("Esc shows all.", .aside)]
  }

  private var otpAppsView: any BodyView {
    guard let node = shownNode, showsLiveApplications else {
      return PlannedAppsView(plan: plan, list: list)
    }
    return OTPAppsView(
      node: node, applications: listedApplications, cursor: cursorApplication?.name, list: list)
  }

  private var plan: ReleasePlan {
    let release = shownRelease
    return ReleasePlan(
      app: shownApp?.name, release: release, manifest: release.flatMap { manifests[$0.slug] },
      process: shownProcess, node: shownNode, isPast: setting.isPast)
  }

  private var logsView: any BodyView {
    let (title, empty): (String, String)
    if showsNodeLog, let node = shownNode {
      let level = logs.leastLevel.map { "\($0.rawValue)+" } ?? "all levels"
      title = "log of \(node.name) · \(level)"
      empty = Wording.hindrance(of: node) ?? "It has logged nothing since this view was opened."
    } else if let app = shownApp {
      let instance = logs.output.source?.instance
      title = instance.map { "\(app.name) \($0)" } ?? "\(app.name), all instances"
      empty = "No output yet."
    } else {
      return TableView(heading: [Cell(Wording.sentence(.noApp))])
    }
    return LogsView(
      title: title, isNode: showsNodeLog, lines: shownLog, filter: logFilter,
      search: logs.search, empty: empty, clock: clock)
  }

  private var treePage: any BodyView {
    guard let tree = selection.openTree, let node = shownNode else {
      return TableView(heading: [Cell(Wording.sentence(.noNode))])
    }
    return SupervisionTreePage(application: tree.application, node: node, list: list)
  }
}
