import Terminal

/// One thing a person can do by a key. Dispatch, the hints, the help page and
/// `docs/reference/keys.md` are all made from the table of these.
struct Command: Sendable {
  /// Who must have the keys for it to be reached.
  enum Context: String, CaseIterable, Sendable {
    case views, typing, help, choice, question
  }

  /// Its part of the help page.
  enum Group: String, CaseIterable, Sendable {
    case act = "Act"
    case look = "Look"
    case move = "Move"
    case typing = "While a text is typed"
    case help = "On the help page"
    case choice = "When a log level is chosen"
    case question = "When asked"
  }

  let name: String
  let group: Group
  let keys: [Key]
  let context: Context
  /// The views it belongs to; empty for all.
  let views: Set<ViewName>
  /// Whether it changes anything outside: absent with `--read-only`.
  let writes: Bool
  /// Its words on the hints bar; nil where it is known without.
  let hint: String?
  let help: String
  /// Changes the model and says what is to be done. Run on a copy, it tells whether it can.
  let run: @Sendable (inout Model) throws(Refusal) -> [Effect]

  init(
    _ name: String, _ group: Group, _ keys: [Key], in context: Context = .views,
    views: Set<ViewName> = [], writes: Bool = false, hint: String? = nil, _ help: String,
    _ run: @escaping @Sendable (inout Model) throws(Refusal) -> [Effect]
  ) {
    (self.name, self.group, self.keys, self.context) = (name, group, keys, context)
    (self.views, self.writes, self.hint, self.help) = (views, writes, hint, help)
    self.run = run
  }

  static let all: [Command] =
    acting + reading + nodeActing + looking + moving + typing + helping + choosing + answering

  /// The command that a key means now.
  static func bound(to key: Key, in model: Model) -> Command? {
    all.first { $0.keys.contains(key) && $0.isReachable(in: model) }
  }

  /// Those whose hints belong on the screen now, most wanted first.
  static func hinted(in model: Model) -> [Command] {
    all.filter { command in
      command.hint != nil && command.isReachable(in: model)
        && !(command.writes && model.setting.isReadOnly)
    }
  }

  func isReachable(in model: Model) -> Bool {
    context == model.mode.context && (views.isEmpty || views.contains(model.view))
  }

  /// Why it cannot run now.
  func refusal(in model: Model) -> Refusal? {
    var copy = model
    do throws(Refusal) {
      _ = try run(&copy)
      return nil
    } catch { return error }
  }
}

extension Command {
  private static let acting = [
    Command(
      "restart", .act, [.character("R")], views: [.releases, .logs], writes: true,
      hint: "restart",
      "Restart the selected app, one instance at a time, or only the selected instance."
    ) { model throws(Refusal) in try model.askRestart() },
    Command(
      "rollback", .act, [.character("B")], views: [.releases, .logs], writes: true,
      hint: "rollback",
      "Bring the release before the current one back, slug and config vars, as a new release."
    ) { model throws(Refusal) in try model.askRollback() },
  ]

  private static let nodeActing = [
    Command(
      "stop application", .act, [.character("X")], views: [.apps], writes: true, hint: "stop",
      "Stop the selected application; those that depend on it keep running without it."
    ) { model throws(Refusal) in try model.askStop() },
    Command(
      "start application", .act, [.character("S")], views: [.apps], writes: true, hint: "start",
      "Start the selected application."
    ) { model throws(Refusal) in try model.askStart() },
    Command(
      "log level", .act, [.character("L")], views: [.nodes, .apps, .boot, .logs], writes: true,
      hint: "set level", "Choose which level the node logs from."
    ) { model throws(Refusal) in try model.askLogLevel() },
    Command(
      "collect garbage", .act, [.character("C")], views: [.nodes], writes: true,
      hint: "gc", "Collect the garbage of every process of the selected node."
    ) { model throws(Refusal) in try model.ask(.collectGarbage) },
    Command(
      "init restart", .act, [.character("I")], views: [.nodes], writes: true, hint: "init:restart",
      "Take all applications of the selected node down and boot it again in the same process."
    ) { model throws(Refusal) in try model.ask(.restart) },
  ]

  private static let reading = [
    Command(
      "source", .look, [.character("o")], views: [.logs], hint: "source",
      "Switch between the output of the instances and the node's own log."
    ) { model throws(Refusal) in try model.switchSource() },
    Command(
      "level", .look, [.character("v")], views: [.logs], hint: "level",
      "Of a node's log show all, or only what is as severe as debug, info, notice, warning, error."
    ) { model throws(Refusal) in try model.nextLevel() },
    Command("find", .look, [.character("f")], views: [.logs], hint: "find", "Find a text.") {
      model in
      model.mode = .typing(.find, before: model.find.text)
      model.find.text = ""
      return []
    },
    Command(
      "find older", .look, [.character("n")], views: [.logs], "Go to the next older line with it."
    ) { model throws(Refusal) in try model.find(older: true) },
    Command(
      "find newer", .look, [.character("N")], views: [.logs], "Go to the next newer line with it."
    ) { model throws(Refusal) in try model.find(older: false) },
  ]

  private static let looking =
    [
      Command(
        "open", .look, [.enter, .right], views: [.releases], hint: "instances",
        "Go to the selected app's instances."
      ) { model throws(Refusal) in try model.enterInstances() },
      Command(
        "settings", .look, [.enter, .right], views: [.nodes], hint: "settings",
        "Show the selected node's flags, releases and configuration."
      ) { model throws(Refusal) in try model.openNodeSettings() },
      Command(
        "tree", .look, [.enter, .right], views: [.apps], hint: "tree",
        "Show the supervision tree of the selected application."
      ) { model throws(Refusal) in try model.openApplicationTree() },
      Command(
        "logs", .look, [.character("l")], views: [.releases, .nodes, .apps, .boot, .events],
        hint: "logs", "Show the output of the selected app or instance, or the node's log."
      ) { model throws(Refusal) in try model.showLogs() },
      Command("filter", .look, [.character("/")], hint: "filter", "Show only rows with a text.") {
        model in
        model.mode = .typing(.filter, before: model.filters[model.place])
        return []
      },
      Command(
        "back", .look, [.escape, .left],
        "Take one step back: the filter, the page, the instances, then to the releases; never quits."
      ) { model in model.goBack() },
      Command("help", .look, [.character("?"), .function(1)], hint: "help", "Show this page.") {
        model in
        model.mode = .help(top: 0)
        return []
      },
      Command("quit", .look, [.character("q"), .control("c")], hint: "quit", "Leave.") { _ in
        [.quit]
      },
      Command("redraw", .look, [.control("l")], "Draw the whole screen again.") { _ in [.redraw] },
    ] + ViewName.allCases.map(showing) + [
      Command("next view", .look, [.tab], "Show the next view.") { model in
        model.show(model.view.neighbour(1))
      },
      Command("previous view", .look, [.backTab], "Show the previous view.") { model in
        model.show(model.view.neighbour(-1))
      },
    ]

  private static func showing(_ view: ViewName) -> Command {
    Command(view.rawValue, .look, [.character(view.digit)], "Show \(view.title).") { model in
      model.show(view)
    }
  }

  private static let moving = [
    moving("down", [.character("j"), .down], "Go one row down.") { _ in 1 },
    moving("up", [.character("k"), .up], "Go one row up.") { _ in -1 },
    moving("first", [.character("g"), .home], "Go to the first row.") { _ in .min },
    moving("last", [.character("G"), .end], "Go to the last row, and follow what comes.") { _ in
      .max
    },
    moving("half page down", [.control("d")], "Go half a page down.") { max(1, $0 / 2) },
    moving("half page up", [.control("u")], "Go half a page up.") { -max(1, $0 / 2) },
    moving("page down", [.pageDown], "Go a page down.") { max(1, $0 - 1) },
    moving("page up", [.pageUp], "Go a page up; in logs and events this stops following.") {
      -max(1, $0 - 1)
    },
  ]

  private static func moving(
    _ name: String, _ keys: [Key], _ help: String, _ count: @escaping @Sendable (Int) -> Int
  ) -> Command {
    Command(name, .move, keys, help) { model in
      model.move(by: count(model.listHeight))
      return []
    }
  }

  private static let typing = [
    Command(
      "keep text", .typing, [.enter], in: .typing, hint: "keep",
      "Keep the filter, or go to the newest line with the text."
    ) { model throws(Refusal) in try model.endTyping() },
    Command(
      "drop text", .typing, [.escape, .control("c")], in: .typing, hint: "as before",
      "Go back to the text before."
    ) { model in
      if case .typing(_, let before) = model.mode { model.typed = before }
      model.mode = .normal
      return []
    },
    Command("erase", .typing, [.backspace], in: .typing, "Take the last character away.") { model in
      model.typed = model.typed.map { String($0.dropLast()) }
      return []
    },
    Command("erase all", .typing, [.control("u")], in: .typing, "Begin the text anew.") { model in
      model.typed = nil
      return []
    },
  ]

  private static let helping = [
    Command(
      "close help", .help, [.escape, .enter, .character("?"), .character("q"), .control("c")],
      in: .help, hint: "close", "Close the page."
    ) { model in
      model.mode = .normal
      return []
    },
    Command("help down", .help, [.character("j"), .down, .pageDown], in: .help, "Read on.") {
      model in model.scrollHelp(by: max(1, model.size.rows - 4))
    },
    Command("help up", .help, [.character("k"), .up, .pageUp], in: .help, "Read back.") { model in
      model.scrollHelp(by: -max(1, model.size.rows - 4))
    },
  ]

  private static let choosing = [
    Command("level down", .choice, [.character("j"), .down], in: .choice, "Go one level down.") {
      model in model.moveChoice(by: 1)
    },
    Command("level up", .choice, [.character("k"), .up], in: .choice, "Go one level up.") { model in
      model.moveChoice(by: -1)
    },
    Command("choose level", .choice, [.enter], in: .choice, hint: "choose", "Take the level.") {
      model in model.chooseLevel()
    },
    Command(
      "leave level", .choice, [.escape, .character("q"), .control("c")], in: .choice,
      hint: "as before", "Leave the level as it is."
    ) { model in
      model.mode = .normal
      return []
    },
  ]

  private static let answering = [
    Command(
      "switch answer", .question, [.tab, .backTab, .left, .right], in: .question, hint: "choose",
      "Go to the other answer."
    ) { model in
      guard case .question(var question) = model.mode else { return [] }
      question.isYesFocused.toggle()
      model.mode = .question(question)
      return []
    },
    Command("answer", .question, [.enter], in: .question, hint: "answer", "Give the answer.") {
      model in
      guard case .question(let question) = model.mode else { return [] }
      model.mode = .normal
      return question.isYesFocused ? question.effects : []
    },
    Command("yes", .question, [.character("y")], in: .question, "Answer yes.") { model in
      guard case .question(let question) = model.mode else { return [] }
      model.mode = .normal
      return question.effects
    },
    Command(
      "no", .question, [.escape, .character("n"), .character("q"), .control("c")], in: .question,
      hint: "no", "Answer no: nothing happens."
    ) { model in
      model.mode = .normal
      return []
    },
  ]
}

extension ViewName {
  func neighbour(_ distance: Int) -> ViewName {
    let all = ViewName.allCases
    let index = (all.firstIndex(of: self) ?? 0) + distance + all.count
    return all[index % all.count]
  }
}
