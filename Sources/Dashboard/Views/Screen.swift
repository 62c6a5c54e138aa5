import PlainText
import Terminal

extension Model {
  /// The screen, whole.
  public func frame() -> Frame {
    var frame = Frame(size)
    let geometry = geometry
    drawHeading(&frame, geometry)
    drawTabs(&frame, geometry)
    if geometry.hasSides {
      let last = geometry.hints ?? size.rows
      for row in geometry.body.row..<max(geometry.body.row, last) { frame.putSides(row: row) }
    }
    drawBody(&frame, geometry.body)
    drawNotice(&frame, geometry)
    drawHints(&frame, geometry)
    switch mode {
    case .question(let question): Dialog(question).draw(&frame)
    case .choice(let choice): LevelDialog(choice).draw(&frame)
    default: break
    }
    return frame
  }

  private func drawBody(_ frame: inout Frame, _ area: Area) {
    if case .help(let top) = mode { return HelpPage.draw(&frame, area, of: self, top: top) }
    switch view {
    case .releases: drawReleases(&frame)
    case .nodes where openSettings == nil:
      let areas = nodeAreas
      draw(sheet, &frame, areas.list)
      drawNodeDetail(&frame, areas.detail)
    case .nodes, .apps, .boot: draw(sheet, &frame, area)
    case .logs: drawLogs(&frame, area)
    case .events: drawEvents(&frame, area)
    }
  }

  private func drawHeading(_ frame: inout Frame, _ geometry: Geometry) {
    guard let row = geometry.heading else { return }
    var heading = Heading(self)
    heading.fit(size.columns)
    var column = heading.hasName ? 1 + frame.put("reltui", row: row, column: 1, role: .title) : -1
    if let host = heading.host { column += 2 + frame.put(host, row: row, column: column + 2) }
    column = max(column + 2, size.columns - heading.width - 1)
    for (index, cell) in heading.facts.enumerated() {
      if index > 0 { column += frame.put(" · ", row: row, column: column, role: .aside) }
      column += frame.put(cell.text, row: row, column: column, role: cell.role)
    }
  }

  /// ` 1 Releases  2 Nodes …`, numbers alone where there is no room for names.
  private func drawTabs(_ frame: inout Frame, _ geometry: Geometry) {
    guard let row = geometry.tabs else { return }
    frame.put(geometry.hasSides ? .top : .plain, row: row)
    if case .help = mode {
      frame.put(" Help ", row: row, column: 1, role: .focus)
      return
    }
    let names = ViewName.allCases.map { "\($0.digit) \($0.title)" }
    let isWide = names.reduce(3) { $0 + $1.count + 2 } <= size.columns
    var column = 1
    for (view, name) in zip(ViewName.allCases, names) {
      let isShown = view == self.view
      let text = isWide || isShown ? " \(name) " : " \(view.digit)"
      guard column + text.count < size.columns else { break }
      column += frame.put(text, row: row, column: column, role: isShown ? .focus : .aside)
    }
    if !isWide, column < size.columns - 1 { frame.put(" ", row: row, column: column) }
  }

  private func drawNotice(_ frame: inout Frame, _ geometry: Geometry) {
    guard let row = geometry.notice else { return }
    let column = geometry.hasSides ? 2 : 0
    let shown = notice ?? Notice(text: alert ?? "", role: .warning)
    frame.put(
      shown.text, row: row, column: column, width: geometry.body.width - 2, role: shown.role)
  }

  private func drawHints(_ frame: inout Frame, _ geometry: Geometry) {
    guard let row = geometry.hints else { return }
    frame.put(geometry.hasSides ? .bottom : .plain, row: row)
    var column = 1
    let end = size.columns - 1
    if let shown = shownText {
      column += frame.put(
        " \(shown)", row: row, column: column, width: end - column, role: .match)
    }
    if mode.isTyping, column < end {
      frame.cursor = Position(row: row, column: column)
      column += frame.put(" ", row: row, column: column)
    }
    for hint in Hint.fitting(Command.hinted(in: self), model: self, width: end - column - 1) {
      column += frame.put(" ", row: row, column: column)
      column += frame.put(hint.key, row: row, column: column, role: .key)
      let words = " \(hint.words) "
      column += frame.put(words, row: row, column: column, role: .aside)
    }
  }
}

extension Model {
  /// `/text` for the filter, also while it is typed; `find: text` while that is typed.
  private var shownText: String? {
    if case .typing(.find, _) = mode { return "find: \(find.text)" }
    let filter = filters[place] ?? ""
    return filter.isEmpty && !mode.isTyping ? nil : "/\(filter)"
  }
}

extension Mode {
  var isTyping: Bool { if case .typing = self { true } else { false } }
}

/// A key with its words, as the hints bar shows it.
struct Hint: Equatable {
  var key: String
  var words: String

  var width: Int { Printable.width(key) + Printable.width(words) + 3 }

  /// Commands that can run now, as many as fit, whole, in the order of the table; help is always
  /// among them.
  static func fitting(_ commands: [Command], model: Model, width: Int) -> [Hint] {
    let hints = commands.filter { $0.refusal(in: model) == nil }.compactMap { command in
      command.hint.map { Hint(key: command.keys.first?.name ?? "", words: $0) }
    }
    let help = hints.first { $0.words == "help" }
    var left = width - (help?.width ?? 0)
    var isFull = left < 0
    return hints.filter { hint in
      if hint == help { return left >= 0 }
      isFull = isFull || hint.width > left
      if !isFull { left -= hint.width }
      return !isFull
    }
  }
}

/// The first line's facts, the least wanted left out where there is no room.
struct Heading {
  var host: String?
  private(set) var hasName = true
  private var ranked: [(cell: Cell, rank: Int)]

  init(_ model: Model) {
    host = model.setting.host
    ranked = []
    let clock = Cell(Wording.clock(model.now, utcOffset: model.utcOffset), .aside)
    // Whoever only looks at nodes misses neither apps nor an agent.
    if model.board.apps.isEmpty, model.setting.namesNodes || !model.nodes.isEmpty {
      let down = model.nodes.filter { $0.isInTrouble && !$0.isShut }.count
      ranked.append((Cell(Self.count(model.nodes.count, "node"), .aside), 3))
      if down > 0 { ranked.append((Cell("\(down) in trouble", .bad), 0)) }
      ranked.append((clock, 2))
      return
    }
    let apps = model.board.apps.values
    let runs = apps.reduce(0) { $0 + $1.liveRuns.count }
    let troubled = apps.filter { $0.isInTrouble(at: model.now) }.count
    ranked = [(Cell(Self.count(apps.count, "app"), .aside), 3)]
    if troubled > 0 { ranked.append((Cell("\(troubled) in trouble", .bad), 0)) }
    ranked.append((Cell(Self.count(runs, "instance"), .aside), 4))
    if model.setting.isPast {
      ranked.append((Cell("as it was " + Wording.date(model.now, model.utcOffset), .warning), 0))
      return
    }
    let agent =
      model.isAgentAlive ? Cell("agent ok", .aside) : Cell("agent absent", .warning)
    ranked.append((agent, model.isAgentAlive ? 2 : 1))
    ranked.append((clock, 2))
  }

  var facts: [Cell] { ranked.map(\.cell) }

  var width: Int {
    facts.reduce(0) { $0 + Printable.width($1.text) } + 3 * max(0, facts.count - 1)
  }

  mutating func fit(_ columns: Int) {
    while 7 + (host.map { 2 + Printable.width($0) } ?? 0) + 3 + width > columns {
      if let worst = ranked.map(\.rank).max(), worst > 2 {
        ranked.removeAll { $0.rank == worst }
      } else if host != nil {
        host = nil
      } else if ranked.count > 1,
        let worst = ranked.indices.max(by: {
          (ranked[$0].rank, $1) < (ranked[$1].rank, $0)
        })
      {
        ranked.remove(at: worst)
      } else {
        hasName = false
        return
      }
    }
  }

  private static func count(_ number: Int, _ word: String) -> String {
    "\(number) \(word)\(number == 1 ? "" : "s")"
  }
}
