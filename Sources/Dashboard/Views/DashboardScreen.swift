import PlainText
import Terminal

/// The whole screen, drawn from its state.
struct DashboardScreen {
  enum Dialog {
    case question(Confirmation)
    case level(LevelChoice)
  }

  var heading: Heading
  /// The view whose tab is marked; nil while the help page is shown.
  var tab: ViewName?
  var body: any BodyView
  var notice: Notice?
  var bar: HintsBar
  var dialog: Dialog?

  func frame(_ size: Size) -> Frame {
    var frame = Frame(size)
    let geometry = Geometry(size, hasNotice: notice != nil)
    if let row = geometry.heading { drawHeading(&frame, row) }
    if let row = geometry.tabs { drawTabs(&frame, row, hasSides: geometry.hasSides) }
    if geometry.hasSides {
      let last = geometry.hints ?? size.rows
      for row in geometry.body.row..<max(geometry.body.row, last) { frame.putSides(row: row) }
    }
    body.draw(&frame, in: geometry.body)
    if let row = geometry.notice, let notice {
      frame.put(
        notice.text, row: row, column: geometry.hasSides ? 2 : 0,
        width: geometry.body.width - 2, role: notice.role)
    }
    if let row = geometry.hints {
      bar.draw(&frame, row, geometry.hasSides ? .bottom : .plain)
    }
    switch dialog {
    case .question(let question): QuestionDialog(question: question).draw(&frame)
    case .level(let choice): LevelDialog(choice: choice).draw(&frame)
    case nil: break
    }
    return frame
  }

  private func drawHeading(_ frame: inout Frame, _ row: Int) {
    var heading = heading
    heading.fit(frame.size.columns)
    var column = heading.hasName ? 1 + frame.put("reltui", row: row, column: 1, role: .title) : -1
    if let host = heading.host { column += 2 + frame.put(host, row: row, column: column + 2) }
    column = max(column + 2, frame.size.columns - heading.width - 1)
    for (index, cell) in heading.facts.enumerated() {
      if index > 0 { column += frame.put(" · ", row: row, column: column, role: .aside) }
      column += frame.put(cell.text, row: row, column: column, role: cell.role)
    }
  }

  /// Draws ` 1 Apps  2 Nodes …`, or only the numbers if there is no room for the names.
  private func drawTabs(_ frame: inout Frame, _ row: Int, hasSides: Bool) {
    frame.put(hasSides ? .top : .plain, row: row)
    guard let tab else {
      frame.put(" Help ", row: row, column: 1, role: .focus)
      return
    }
    let columns = frame.size.columns
    let names = ViewName.allCases.map { "\($0.digit) \($0.title)" }
    let isWide = names.reduce(3) { $0 + $1.count + 2 } <= columns
    // The shown view's name has its place, whatever else has.
    var reserved = isWide ? 0 : tab.title.count + 4
    var column = 1
    for (view, name) in zip(ViewName.allCases, names) {
      let isShown = view == tab
      let text = isWide || isShown ? " \(name) " : " \(view.digit)"
      if isShown { reserved = 0 }
      guard column + text.count + reserved < columns else { continue }
      column += frame.put(text, row: row, column: column, role: isShown ? .focus : .aside)
    }
    if !isWide, column < columns - 1 { frame.put(" ", row: row, column: column) }
  }
}

/// The last line of the screen: the filter or the text that is typed, and hints.
struct HintsBar {
  /// `/text` or `find: text`; nil if no text is shown.
  let text: String?
  /// Whether the text is being typed, so that the cursor is shown after it.
  let isTyping: Bool
  /// Commands that can run now, the most important first.
  let hints: [Hint]

  func draw(_ frame: inout Frame, _ row: Int, _ rule: Rule) {
    frame.put(rule, row: row)
    var column = 1
    let end = frame.size.columns - 1
    if let text {
      column += frame.put(" \(text)", row: row, column: column, width: end - column, role: .match)
    }
    if isTyping, column < end {
      frame.cursor = Position(row: row, column: column)
      column += frame.put(" ", row: row, column: column)
    }
    for hint in Hint.fitting(hints, width: end - column - 1) {
      column += frame.put(" ", row: row, column: column)
      column += frame.put(hint.key, row: row, column: column, role: .key)
      column += frame.put(" \(hint.words) ", row: row, column: column, role: .aside)
    }
  }
}

/// A key with its words, as the hints bar shows it.
struct Hint: Equatable {
  var key: String
  var words: String

  var width: Int { Printable.width(key) + Printable.width(words) + 3 }

  /// As many whole hints as fit, in their order. Help is among them if it fits at all.
  static func fitting(_ hints: [Hint], width: Int) -> [Hint] {
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

/// The first line of the screen. The least important facts are left out if there is no room.
struct Heading {
  private(set) var host: String?
  private(set) var hasName = true
  /// The least important ones have the highest rank.
  private var ranked: [(cell: Cell, rank: Int)] = []

  init(host: String) { self.host = host }

  mutating func add(_ text: String, _ role: Role = .aside, rank: Int) {
    ranked.append((Cell(text, role), rank))
  }

  /// Adds how many things there are, and how many of them are in trouble.
  mutating func add(_ count: Int, _ word: String, troubled: Int) {
    add(Self.count(count, word), rank: 3)
    if troubled > 0 { add("\(troubled) in trouble", .bad, rank: 0) }
  }

  var facts: [Cell] { ranked.map(\.cell) }

  var width: Int { facts.reduce(0) { $0 + Printable.width($1.text) } + 3 * max(0, facts.count - 1) }

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

  static func count(_ number: Int, _ word: String) -> String {
    "\(number) \(word)\(number == 1 ? "" : "s")"
  }
}
