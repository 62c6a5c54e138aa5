import Events
import HomeLayout
import Operations

/// Why a command cannot run now. `Wording` has the sentence of each.
enum Refusal: Error, Equatable, Sendable {
  case readOnly
  case past
  case noApp
  case noInstance(app: String)
  /// An operation that cannot be done.
  case operation(Operations.Refusal)
  case amongInstances
  case noNode
  /// No run of an app of ours.
  case foreignNode(String)
  case noApplication
  case pageIsOpen
  case onlyItsLog
  case noLevels
  case nothingToFind
  case notFound(String, older: Bool)
}

/// What is asked before something is changed. "No" has the focus.
struct Confirmation: Equatable, Sendable {
  var consequences: Consequences
  var effects: [Effect]
  var isYesFocused = false
}

extension Model {
  mutating func askRestart() throws(Refusal) -> [Effect] {
    try ask(Restart(app: try namedApp(), instance: selectedRun?.instance))
  }

  mutating func askRollback() throws(Refusal) -> [Effect] {
    try ask(Rollback(app: try namedApp()))
  }

  /// Asks whether an operation is meant, if it can be done.
  private mutating func ask(_ operation: some Operation) throws(Refusal) -> [Effect] {
    do throws(Operations.Refusal) { try operation.check(on: board) } catch {
      throw .operation(error)
    }
    if operation.isOpen(on: board) { throw .operation(.isOpen(operation.sentence)) }
    let chosen = operation.chosen(on: board)
    let request = chosen.request(by: setting.user, now: now)
    let app = board.apps[chosen.app] ?? Board.App(name: chosen.app, changed: now)
    mode = .question(
      Confirmation(
        consequences: chosen.consequences(on: app),
        effects: [.append(type(of: chosen).type, app: chosen.app, request)]))
    return []
  }

  mutating func enterInstances() throws(Refusal) -> [Effect] {
    guard let app = selectedApp else { throw .noApp }
    if isInside { throw .amongInstances }
    guard let first = listedRuns.first else { throw .noInstance(app: app.name) }
    isInside = true
    run = RunChoice(id: first.run, instance: first.instance)
    return []
  }

  mutating func showLogs() throws(Refusal) -> [Effect] {
    if shownApp == nil, actedNode == nil { throw .noApp }
    return show(.logs)
  }

  mutating func goBack() -> [Effect] {
    if filters[place]?.isEmpty == false {
      filters[place] = nil
    } else if place == .settings {
      openSettings = nil
    } else if place == .tree {
      openTree = nil
    } else if isInside, view == .releases {
      isInside = false
    } else if view != homeView {
      return show(homeView)
    }
    return []
  }

  mutating func scrollHelp(by count: Int) -> [Effect] {
    guard case .help(let top) = mode else { return [] }
    let last = max(0, HelpPage.lines(of: self).count - HelpPage.height(size))
    mode = .help(top: min(max(0, top + count), last))
    return []
  }

  /// Where going back ends: without an app, at the nodes that are there.
  private var homeView: ViewName { board.apps.isEmpty && !nodes.isEmpty ? .nodes : .releases }

  private func namedApp() throws(Refusal) -> String {
    if let node = shownNode, nodeChoice != nil, shownApp == nil { throw .foreignNode(node.name) }
    guard let app = shownApp else { throw .noApp }
    return app.name
  }
}
