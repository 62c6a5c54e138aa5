import Operations
import Terminal

/// A command that a key runs. Dispatch, the hints, the help page and `docs/reference/keys.md` are all
/// made from the table `all`.
struct KeyCommand: Sendable {
  /// Its part of the help page, and the mode in which its keys work.
  enum Group: String, CaseIterable, Sendable {
    /// Commands that change something outside; absent with `--read-only`.
    case act = "Act"
    case show = "Show"
    case move = "Move"
    case typing = "While a text is typed"
    case help = "On the help page"
    case choice = "When a log level is chosen"
    case question = "When asked"
  }

  let group: Group
  let keys: [Key]
  /// The views it belongs to; empty for all.
  let views: Set<ViewName>
  /// Its words on the hints bar; nil for a command without a hint.
  let hint: String?
  let help: String
  /// Changes the model and returns what is to be done outside. Run on a copy, it shows whether the command can run.
  let run: @Sendable (inout Model) throws(DisabledReason) -> [Effect]

  init(
    _ group: Group, _ keys: [Key], views: Set<ViewName> = [], hint: String? = nil, _ help: String,
    _ run: @escaping @Sendable (inout Model) throws(DisabledReason) -> [Effect]
  ) {
    (self.group, self.keys, self.views) = (group, keys, views)
    (self.hint, self.help, self.run) = (hint, help, run)
  }

  /// A command without an effect outside.
  private static func local(
    _ group: Group, _ keys: [Key], views: Set<ViewName> = [], hint: String? = nil, _ help: String,
    _ change: @escaping @Sendable (inout Model) throws(DisabledReason) -> Void
  ) -> KeyCommand {
    KeyCommand(group, keys, views: views, hint: hint, help) { model throws(DisabledReason) in
      try change(&model)
      return []
    }
  }

  var writes: Bool { group == .act }

  static let all: [KeyCommand] =
    acting + reading + nodeActing + previewing + showing + moving + typing + helping + choosing
    + answering

  /// The command that a key means now.
  static func bound(to key: Key, in model: Model) -> KeyCommand? {
    all.first { $0.keys.contains(key) && $0.isReachable(in: model) }
  }

  /// The commands whose hints belong on the screen now, the most important first.
  static func hinted(in model: Model) -> [KeyCommand] {
    all.filter { command in
      command.hint != nil && command.isReachable(in: model)
        && !(command.writes && model.setting.isReadOnly)
    }
  }

  func isReachable(in model: Model) -> Bool {
    model.mode.groups.contains(group) && (views.isEmpty || views.contains(model.view))
  }

  /// Why it cannot run now.
  func refusal(in model: Model) -> DisabledReason? {
    var copy = model
    do throws(DisabledReason) {
      _ = try run(&copy)
      return nil
    } catch { return error }
  }

  private static let acting: [KeyCommand] = [
    .local(
      .act, ["R"], views: [.apps, .logs], hint: "restart",
      "Restart the selected app, one instance at a time, or only the selected instance."
    ) { model throws(DisabledReason) in try model.ask { Restart(app: $0, instance: $1) } },
    .init(
      .act, ["B"], views: [.apps, .logs], hint: "rollback",
      "Roll the selected app back: a new release with the slug and config vars of the one before."
    ) { model throws(DisabledReason) in try model.ask { app, _ in Rollback(app: app) } },
    .local(
      .act, ["X"], views: [.apps, .logs], hint: "cancel",
      "Cancel what is requested for the selected app and not done yet, such as a deployment."
    ) { model throws(DisabledReason) in try model.ask { app, _ in Cancel(app: app) } },
  ]

  private static let nodeActing: [KeyCommand] = [
    .local(
      .act, ["X"], views: [.otpApps], hint: "stop",
      "Stop the selected application; those that depend on it keep running without it."
    ) { model throws(DisabledReason) in try model.ask(NodeAction.stopApplication) },
    .local(.act, ["S"], views: [.otpApps], hint: "start", "Start the selected application.") {
      model throws(DisabledReason) in try model.ask(NodeAction.startApplication)
    },
    .local(
      .act, ["L"], views: [.nodes, .otpApps, .boot, .logs], hint: "set level",
      "Choose which level the node logs from."
    ) { model throws(DisabledReason) in try model.askLogLevel() },
    .local(
      .act, ["C"], views: [.nodes], hint: "gc",
      "Collect the garbage of every process of the selected node."
    ) { model throws(DisabledReason) in try model.ask(.collectGarbage) },
    .local(
      .act, ["I"], views: [.nodes], hint: "init:restart",
      "Stop all applications of the selected node and boot it again in the same process."
    ) { model throws(DisabledReason) in try model.ask(.restart) },
  ]

  private static let previewing: [KeyCommand] = [
    .init(
      .show, ["o"], views: [.previews], hint: "open", "Open the preview's address in a browser."
    ) {
      model throws(DisabledReason) in try model.openPreview()
    },
    .local(.act, ["N"], views: [.previews], hint: "renew", "Begin the preview's lease anew.") {
      model throws(DisabledReason) in try model.renewPreview()
    },
    .local(.act, ["P"], views: [.previews], hint: "pin", "Keep the preview until it is closed.") {
      model throws(DisabledReason) in try model.pinPreview()
    },
    .local(
      .act, ["C"], views: [.previews], hint: "close",
      "Remove the preview with everything that belongs to it."
    ) { model throws(DisabledReason) in try model.closePreview() },
    .local(
      .act, ["M"], views: [.previews], hint: "promote",
      "Deploy exactly the preview's slug to the app whose pull request it is."
    ) { model throws(DisabledReason) in try model.promotePreview() },
  ]

  private static let reading: [KeyCommand] = [
    .local(
      .show, ["o"], views: [.logs], hint: "source",
      "Switch between the output of the instances and the node's own log."
    ) { model throws(DisabledReason) in try model.switchSource() },
    .local(
      .show, ["v"], views: [.logs], hint: "level",
      "Show all of a node's log, or only debug, info, notice, warning or error and worse."
    ) { model throws(DisabledReason) in try model.nextLevel() },
    .local(.show, ["f"], views: [.logs], hint: "find", "Find a text.") { model in
      model.mode = .typing(.search, before: model.logs.search.text)
      model.logs.search.text = ""
    },
    .local(.show, ["n"], views: [.logs], "Go to the next older line with the text.") {
      model throws(DisabledReason) in try model.find(older: true)
    },
    .local(.show, ["N"], views: [.logs], "Go to the next newer line with the text.") {
      model throws(DisabledReason) in try model.find(older: false)
    },
  ]

  private static let showing: [KeyCommand] =
    [
      .local(
        .show, [.enter, .right], views: [.apps], hint: "instances",
        "Go to the selected app's instances."
      ) { model throws(DisabledReason) in try model.enterInstances() },
      .local(
        .show, [.enter, .right], views: [.nodes], hint: "settings",
        "Show the selected node's flags, releases and configuration."
      ) { model throws(DisabledReason) in try model.openNodeSettings() },
      .local(
        .show, [.enter, .right], views: [.otpApps], hint: "tree",
        "Show the supervision tree of the selected application."
      ) { model throws(DisabledReason) in try model.openApplicationTree() },
      .init(
        .show, ["l"], views: [.apps, .nodes, .otpApps, .boot, .events, .previews],
        hint: "logs",
        "Show the output of the selected app or instance, or the node's log."
      ) { model throws(DisabledReason) in try model.showLogs() },
      .local(.show, ["/"], hint: "filter", "Show only rows with a text.") { model in
        model.mode = .typing(.filter, before: model.list.text)
      },
      .init(
        .show, [.escape, .left],
        "Go one step back: out of the filter, the page, the instances, then to the apps; never quits."
      ) { $0.goBack() },
      .local(.show, ["?", .function(1)], hint: "help", "Show this page.") {
        $0.mode = .help(top: 0)
      },
      .init(.show, ["q", .control("c")], hint: "quit", "Leave reltui.") { _ in [.quit] },
      .init(.show, [.control("l")], "Draw the whole screen again.") { _ in [.redraw] },
    ] + ViewName.allCases.map(opening) + [
      .init(.show, [.tab], "Show the next view.") { $0.show($0.view.neighbour(1)) },
      .init(.show, [.backTab], "Show the previous view.") { $0.show($0.view.neighbour(-1)) },
    ]

  private static func opening(_ view: ViewName) -> KeyCommand {
    .init(.show, [.character(view.digit)], "Show \(view.title).") { $0.show(view) }
  }

  private static let moving = [
    moving(["j", .down], "Go one row down.") { _ in 1 },
    moving(["k", .up], "Go one row up.") { _ in -1 },
    moving(["g", .home], "Go to the first row.") { _ in .min },
    moving(["G", .end], "Go to the last row, and follow new rows.") { _ in .max },
    moving([.control("d")], "Go half a page down.") { max(1, $0 / 2) },
    moving([.control("u")], "Go half a page up.") { -max(1, $0 / 2) },
    moving([.pageDown], "Go a page down.") { max(1, $0 - 1) },
    moving([.pageUp], "Go a page up; in logs and events this stops following.") {
      -max(1, $0 - 1)
    },
  ]

  private static func moving(
    _ keys: [Key], _ help: String, _ count: @escaping @Sendable (Int) -> Int
  ) -> KeyCommand {
    .local(.move, keys, help) { $0.move(by: count($0.listHeight)) }
  }

  private static let typing: [KeyCommand] = [
    .local(
      .typing, [.enter], hint: "keep", "Keep the filter, or go to the newest line with the text."
    ) { model throws(DisabledReason) in try model.endTyping() },
    .local(.typing, [.escape, .control("c")], hint: "as before", "Go back to the text before.") {
      model in
      if case .typing(_, let before) = model.mode { model.typed = before }
      model.mode = .normal
    },
    .local(.typing, [.backspace], "Delete the last character.") { model in
      model.typed = model.typed.map { String($0.dropLast()) }
    },
    .local(.typing, [.control("u")], "Delete the whole text.") { $0.typed = nil },
  ]

  private static let helping: [KeyCommand] = [
    .local(.help, [.escape, .enter, "?", "q", .control("c")], hint: "close", "Close the page.") {
      $0.mode = .normal
    },
    .local(.help, ["j", .down, .pageDown], "Read on.") { model in
      model.scrollHelp(by: max(1, model.size.rows - 4))
    },
    .local(.help, ["k", .up, .pageUp], "Read back.") { model in
      model.scrollHelp(by: -max(1, model.size.rows - 4))
    },
  ]

  private static let choosing: [KeyCommand] = [
    .local(.choice, ["j", .down], "Go one level down.") { $0.moveChoice(by: 1) },
    .local(.choice, ["k", .up], "Go one level up.") { $0.moveChoice(by: -1) },
    .local(.choice, [.enter], hint: "choose", "Choose the level.") { $0.chooseLevel() },
    .local(.choice, [.escape, "q", .control("c")], hint: "as before", "Keep the level as it is.") {
      $0.mode = .normal
    },
  ]

  private static let answering: [KeyCommand] = [
    .local(.question, ["j", .down], hint: "more", "Read on, if the text is longer than the box.") {
      model throws(DisabledReason) in try model.scrollQuestion(by: 1)
    },
    .local(.question, ["k", .up], "Read back.") { model throws(DisabledReason) in
      try model.scrollQuestion(by: -1)
    },
    .local(.question, [.tab, .backTab, .left, .right], hint: "choose", "Go to the other answer.") {
      model in
      guard case .question(var question) = model.mode else { return }
      question.isYesFocused.toggle()
      model.mode = .question(question)
    },
    .init(.question, [.enter], hint: "answer", "Give the focused answer.") { model in
      guard case .question(let question) = model.mode else { return [] }
      model.mode = .normal
      return question.isYesFocused ? question.effects : []
    },
    .init(.question, ["y"], "Answer yes.") { model in
      guard case .question(let question) = model.mode else { return [] }
      model.mode = .normal
      return question.effects
    },
    .local(
      .question, [.escape, "n", "q", .control("c")], hint: "no", "Answer no: nothing happens."
    ) { $0.mode = .normal },
  ]
}

extension ViewName {
  func neighbour(_ distance: Int) -> ViewName {
    let all = ViewName.allCases
    let index = (all.firstIndex(of: self) ?? 0) + distance + all.count
    return all[index % all.count]
  }
}
