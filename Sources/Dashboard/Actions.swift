import Events
import HomeLayout

/// Why a command cannot run now. `Wording` has the sentence of each.
enum Refusal: Error, Equatable, Sendable {
  case readOnly
  case past
  case noApp
  case noInstance(app: String)
  case noRelease(app: String)
  case noPreviousRelease(app: String, current: ReleaseNumber)
  case deploying(app: String, ReleaseNumber)
  /// A request for the same thing is open.
  case asked(String)
  case notInFormation(InstanceName, app: String)
  case amongInstances
  case noNode
  /// A node that cannot be asked now, and the word for its state.
  case notUp(String, String)
  /// No run of an app of ours.
  case foreignNode(String)
  case noApplication
  case notRunning(String)
  case alreadyRunning(String)
  /// Without this application there is no node.
  case essential(String)
  case pageIsOpen
  case onlyItsLog
  case noLevels
  case nothingToFind
  case notFound(String, older: Bool)
}

/// What is asked before something is changed. "No" has the focus.
struct Confirmation: Equatable, Sendable {
  var question: String
  /// What will happen.
  var consequences: [String]
  var undo: String
  var effects: [Effect]
  var isYesFocused = false
}

extension Model {
  /// How long a request may wait for an agent and be worked on.
  static let requestLimit: Int64 = 15 * 60 * 1000

  mutating func askRestart() throws(Refusal) -> [Effect] {
    let app = try runningApp()
    let instance = selectedRun?.instance
    if let instance, !Board.App.instances(of: app.formation).contains(instance) {
      throw .notInFormation(instance, app: app.name)
    }
    let words = Wording.restart(app: app.name, instance: instance)
    let isAsked = openRequests(.restartRequested, app).contains { request in
      request.data.instance == nil || request.data.instance == instance
    }
    if isAsked { throw .asked(words) }
    let data = requestData { $0.instance = instance }
    mode = .question(
      Wording.restartQuestion(
        app, selectedRun, effects: [.append(.restartRequested, app: app.name, data)]))
    return []
  }

  mutating func askRollback() throws(Refusal) -> [Effect] {
    let app = try runningApp()
    guard let current = app.currentRelease else { throw .noRelease(app: app.name) }
    if let deployment = app.deployment { throw .deploying(app: app.name, deployment.release) }
    guard let previous = app.previousRelease else {
      throw .noPreviousRelease(app: app.name, current: current.number)
    }
    if !openRequests(.rollbackRequested, app).isEmpty {
      throw .asked(Wording.rollback(app: app.name, to: nil))
    }
    let data = requestData { $0.from = previous.number }
    mode = .question(
      Wording.rollbackQuestion(
        app, from: current, to: previous,
        effects: [.append(.rollbackRequested, app: app.name, data)]))
    return []
  }

  mutating func enterInstances() throws(Refusal) -> [Effect] {
    guard let app = selectedApp else { throw .noApp }
    if selection.isInside { throw .amongInstances }
    guard let first = listedRuns.first else { throw .noInstance(app: app.name) }
    selection.isInside = true
    selection.run = RunChoice(id: first.run, instance: first.instance)
    return []
  }

  mutating func showLogs() throws(Refusal) -> [Effect] {
    if shownApp == nil, actedNode == nil { throw .noApp }
    return show(.logs)
  }

  mutating func goBack() -> [Effect] {
    if list.text?.isEmpty == false {
      list.text = nil
    } else if page == .settings {
      selection.openSettings = nil
    } else if page == .tree {
      selection.openTree = nil
    } else if selection.isInside, view == .apps {
      selection.isInside = false
    } else if view != homeView {
      return show(homeView)
    }
    return []
  }

  mutating func scrollHelp(by count: Int) -> [Effect] {
    guard case .help(let top) = mode else { return [] }
    let (page, body) = (helpPage(top: top), Geometry(size, hasNotice: false).body)
    let last = max(0, page.lines(width: body.width).count - page.rows(in: body))
    mode = .help(top: min(max(0, top + count), last))
    return []
  }

  /// Where going back ends: without an app, at the nodes that are there.
  private var homeView: ViewName { board.apps.isEmpty && !nodes.isEmpty ? .nodes : .apps }

  private func runningApp() throws(Refusal) -> Board.App {
    if let node = shownNode, selection.node != nil, shownApp == nil {
      throw .foreignNode(node.name)
    }
    guard let app = shownApp else { throw .noApp }
    if app.current == nil { throw .noRelease(app: app.name) }
    return app
  }

  private func openRequests(_ type: EventType, _ app: Board.App) -> [Board.Request] {
    board.requests.filter { $0.type == type && $0.app == app.name }
  }

  private func requestData(_ fill: (inout EventData) -> Void) -> EventData {
    var data = EventData(fill)
    data.by = setting.user
    data.deadline = clock.now + Self.requestLimit
    return data
  }
}
