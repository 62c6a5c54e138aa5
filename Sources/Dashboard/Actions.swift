import Events
import Operations

/// Why a key does nothing now. `Wording` has a sentence for each reason.
enum DisabledReason: Error, Equatable, Sendable {
  case readOnly, past, noApp
  case noInstance(app: String)
  /// An operation that cannot be done.
  case operation(Refusal)
  case amongInstances, noNode
  /// The node is not a run of an app of this home.
  case foreignNode(String)
  case noApplication, pageIsOpen, onlyItsLog, noLevels, nothingToFind, nothingMore
  case notFound(String, older: Bool)
  case noPreview, isPinned, noAddress
}

/// A question before something is changed. "No" has the focus at first.
struct Confirmation: Equatable, Sendable {
  var consequences: Consequences
  var effects: [Effect]
  var isYesFocused = false
  /// The rollback that is asked about; its check arrives after the question.
  var rollback: Rollback?
  /// The first line shown, if not all of them fit.
  var top = 0
}

extension Model {
  /// Asks to confirm an operation on the shown app or its selected instance, if it can be done.
  /// - Returns: what must be read for the question.
  @discardableResult
  mutating func ask(
    _ make: (_ app: String, _ instance: InstanceName?) -> some Operation
  ) throws(DisabledReason) -> [Effect] {
    let operation = make(try namedApp(), selectedRun?.instance)
    do throws(Refusal) { try operation.check(on: board) } catch { throw .operation(error) }
    if operation.isOpen(on: board) { throw .operation(.isOpen(operation.sentence)) }
    let chosen = operation.chosen(on: board)
    let app = board.apps[chosen.app] ?? Board.App(name: chosen.app, changed: clock.now)
    let effect = Effect.append(
      type(of: chosen).type, app: chosen.app, chosen.request(by: setting.user, now: clock.now))
    let rollback = chosen as? Rollback
    mode = .question(
      Confirmation(
        consequences: chosen.consequences(on: app), effects: [effect], rollback: rollback))
    return rollback.map { [.checkRollback($0)] } ?? []
  }

  /// Completes the question about a rollback.
  mutating func learn(_ check: RollbackCheck, of rollback: Rollback) {
    guard case .question(var question) = mode, question.rollback == rollback,
      let app = board.apps[rollback.app]
    else { return }
    question.consequences = rollback.consequences(on: app, check: check)
    mode = .question(question)
  }

  mutating func scrollQuestion(by count: Int) throws(DisabledReason) {
    guard case .question(var question) = mode else { return }
    let most = QuestionDialog(question: question).hiddenLines(in: size)
    if most == 0 { throw .nothingMore }
    question.top = min(max(0, question.top + count), most)
    mode = .question(question)
  }

  mutating func enterInstances() throws(DisabledReason) {
    guard let app = selectedApp else { throw .noApp }
    if selection.isInside { throw .amongInstances }
    guard let first = listedRuns.first else { throw .noInstance(app: app.name) }
    selection.isInside = true
    selection.run = RunChoice(id: first.run, instance: first.instance)
  }

  mutating func showLogs() throws(DisabledReason) -> [Effect] {
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

  mutating func scrollHelp(by count: Int) {
    guard case .help(let top) = mode else { return }
    let (page, body) = (helpPage(top: top), Geometry(size, hasNotice: false).body)
    let last = max(0, page.lines(width: body.width).count - page.rows(in: body))
    mode = .help(top: min(max(0, top + count), last))
  }

  /// The view where going back ends: the nodes if there are nodes and no app, else the apps.
  private var homeView: ViewName { board.apps.isEmpty && !nodes.isEmpty ? .nodes : .apps }

  private func namedApp() throws(DisabledReason) -> String {
    if let node = shownNode, selection.node != nil, shownApp == nil {
      throw .foreignNode(node.name)
    }
    guard let app = shownApp else { throw .noApp }
    return app.name
  }
}
