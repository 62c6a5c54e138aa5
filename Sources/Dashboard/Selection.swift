import Events

extension Model {
  /// The apps of the list, filtered, by name.
  var listedApps: [Board.App] {
    // Previews have a view of their own.
    let apps = board.apps.values.filter { $0.preview == nil }.sorted { $0.name < $1.name }
    let filter = position(of: .view(.apps)).filter
    if filter.isEmpty { return apps }
    return apps.filter { app in
      filter.passes([
        app.name, Wording.state(of: app, at: clock.now),
        app.worstCause(at: clock.now)?.sentence ?? "",
      ])
    }
  }

  var selectedApp: Board.App? { selection.app.flatMap { board.apps[$0] } }

  /// The shown app's runs, as its pane lists them.
  var listedRuns: [InstanceReport] {
    shownApp.map { InstanceReport.all(of: $0, host: setting.host) } ?? []
  }

  var selectedRun: InstanceReport? {
    if let instance = selection.node?.instance {
      return listedRuns.last { $0.instance == instance }
    }
    guard selection.isInside, let run = selection.run else { return nil }
    return listedRuns.first { $0.run == run.id }
  }

  /// The page that is shown.
  var page: Page {
    if view == .nodes, selection.openSettings != nil { return .settings }
    if view == .otpApps, selection.openTree != nil { return .tree }
    return .view(view)
  }

  /// The list position of the shown page.
  var list: ListPosition {
    get { position(of: page) }
    set { lists[page] = newValue }
  }

  func position(of page: Page) -> ListPosition { lists[page] ?? ListPosition() }

  /// The number of rows in the part of the view that scrolls: the height of a page.
  var listHeight: Int { body.rows(in: geometry.body) }

  /// Corrects the selection and the list positions after a change; no other function does.
  mutating func settle() {
    settlePreview()
    settleApp()
    settleRun()
    settleNodes()
    settleList()
  }

  private mutating func settleApp() {
    let apps = listedApps
    let isGone = selectedApp == nil
    guard isGone || view == .apps && !apps.contains(where: { $0.name == app }) else { return }
    // An app in trouble is what the operator most likely looks for.
    let next = apps.first { $0.isInTrouble(at: clock.now) } ?? apps.first
    if next != nil || isGone || view == .apps { selection.app = next?.name }
  }

  private mutating func settleRun() {
    guard selection.isInside else {
      selection.run = nil
      return
    }
    let runs = listedRuns
    if runs.contains(where: { $0.run == selection.run?.id }) { return }
    // The run has ended. The newest run of its instance is selected, because it will stay.
    let next = runs.last { $0.instance == selection.run?.instance } ?? runs.first
    selection.run = next.map { RunChoice(id: $0.run, instance: $0.instance) }
    if next == nil { selection.isInside = false }
  }

  private mutating func settleList() {
    let body = body
    let height = max(1, body.rows(in: geometry.body))
    if let view = body as? any TableBody {
      settle(view.table(width: geometry.body.width), height)
    } else if view == .events {
      events.settle(height: height, passes: list.filter.passes)
    } else {
      let filter = logFilter
      shownLog.settle(height: height, passes: filter.passes)
    }
  }

  /// Moves the window no further than needed to show the lines that belong to the cursor.
  private mutating func settle(_ table: TableView, _ height: Int) {
    guard let cursor = table.cursor else {
      if list.top != nil { list.top = table.firstLine(height: height) }
      return
    }
    var top = min(list.top ?? 0, max(0, table.count - height))
    if cursor.upperBound >= top + height { top = cursor.upperBound - height + 1 }
    list.top = min(top, cursor.lowerBound)
  }

  /// Moves the cursor, or the window of a list without one, by some rows.
  mutating func move(by count: Int) {
    switch page {
    case .view(.apps) where selection.isInside: moveRun(by: count)
    case .view(.apps): moveApp(by: count)
    case .view(.nodes): moveNode(by: count)
    case .view(.previews): movePreview(by: count)
    case .view(.otpApps) where showsLiveApplications: moveApplication(by: count)
    case .view(.logs): moveLog(by: count)
    case .view(.events):
      events.move(by: count, height: listHeight, passes: list.filter.passes)
    default:
      guard let view = body as? any TableBody else { return }
      let top = view.table(width: geometry.body.width).firstLine(height: listHeight)
      list.top = max(0, top.clampedAdding(count))
    }
  }

  private mutating func moveRun(by count: Int) {
    let runs = listedRuns
    guard let index = runs.firstIndex(where: { $0.run == selection.run?.id }) else { return }
    let next = runs[min(max(0, index.clampedAdding(count)), runs.count - 1)]
    selection.run = RunChoice(id: next.run, instance: next.instance)
  }

  private mutating func moveApp(by count: Int) {
    let apps = listedApps
    guard let index = apps.firstIndex(where: { $0.name == app }) else { return }
    selection.app = apps[min(max(0, index.clampedAdding(count)), apps.count - 1)].name
  }

  private mutating func moveLog(by count: Int) {
    logs.search.found = nil
    let (height, filter) = (listHeight, logFilter)
    shownLog.move(by: count, height: height, passes: filter.passes)
  }
}

extension Int {
  func clampedAdding(_ other: Int) -> Int {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other < 0 ? .min : .max) : sum
  }
}

extension Board.App {
  /// The release that views of one release show: the one being deployed, else the current one.
  var shownRelease: Board.Release? { release(deployment?.release) ?? currentRelease }
}
