import Operations
import PlainText
import Terminal

/// A question over the screen, with its two answers. The focused answer is in brackets, so that it
/// can be seen without colours.
struct QuestionDialog {
  let question: Confirmation

  func draw(_ frame: inout Frame) {
    let size = frame.size
    let width = Self.width(in: size)
    let (text, room) = (lines(in: size), Self.room(in: size))
    let height = min(size.rows, text.count + 3)
    let top = max(0, (size.rows - height) / 2)
    let left = max(0, (size.columns - width) / 2)
    let hidden = max(0, text.count - room)
    // Where the sentence must be scrolled to, its first word is in sight.
    let verdict = hidden == 0 ? nil : question.consequences.verdict
    var box = Frame(box: Size(columns: width, rows: height), title: verdict?.word ?? "")
    let first = min(question.top, hidden)
    for (offset, line) in text.dropFirst(first).prefix(room).enumerated() {
      box.put(line.text, row: offset + 1, column: 2, width: width - 4, role: line.role)
    }
    if first > 0, room > 0 { box.put("↑", row: 1, column: width - 1, role: .key) }
    if first < hidden, room > 0 {
      box.put("↓", row: room, column: width - 1, role: .key)
    }
    drawAnswers(&box, row: height > 2 ? height - 2 : height - 1)
    frame.place(box, row: top, column: left)
  }

  /// How many lines do not fit into the box, so that they must be scrolled to.
  func hiddenLines(in size: Size) -> Int {
    max(0, lines(in: size).count - Self.room(in: size))
  }

  private static func width(in size: Size) -> Int {
    min(size.columns, max(24, min(66, size.columns - 4)))
  }

  /// The rows for the text.
  private static func room(in size: Size) -> Int { max(0, size.rows - 3) }

  private func drawAnswers(_ box: inout Frame, row: Int) {
    box.clear(row: row, column: 1, width: box.size.columns - 2)
    let isYes = question.isYesFocused
    var column = 2
    for (text, isFocused) in [("No", !isYes), ("Yes", isYes)] {
      let button = isFocused ? "[ \(text) ]" : "  \(text)  "
      column += 1 + box.put(button, row: row, column: column, role: isFocused ? .focus : .text)
    }
  }

  /// The whole text, with blank lines if it fits with them.
  private func lines(in size: Size) -> [Cell] {
    func wrapped(_ text: String, _ role: Role) -> [Cell] {
      Printable.wrap(text, to: max(2, Self.width(in: size) - 4)).map { Cell($0, role) }
    }
    let blank = [Cell("")]
    let said = question.consequences
    let judgement = said.judgement.enumerated().flatMap { index, sentence in
      wrapped(sentence, index == 0 ? Self.role(of: said.verdict) : .text)
    }
    let parts = [
      wrapped(said.question, .title), judgement, said.changes.flatMap { wrapped($0, .text) },
      wrapped(said.undo, .aside),
    ]
    let airy = parts.filter { !$0.isEmpty }.flatMap { $0 + blank }
    return airy.count <= Self.room(in: size) ? airy : Array(parts.joined())
  }

  private static func role(of verdict: RollbackCheck.Verdict?) -> Role {
    switch verdict {
    case .safe: .ready
    case .unsafe: .bad
    case .unknown: .warning
    case nil: .busy
    }
  }
}

/// A choice among the log levels of a node, over the screen.
struct LevelDialog {
  let choice: LevelChoice

  func draw(_ frame: inout Frame) {
    let size = frame.size
    let levels = LevelChoice.levels
    let width = min(size.columns, 24)
    let height = min(size.rows, levels.count + 2)
    var box = Frame(box: Size(columns: width, rows: height), title: "Log level")
    let hasBorder = height > 2
    let room = hasBorder ? height - 2 : height
    let first = max(0, choice.focus - room + 1)
    for (offset, level) in levels.dropFirst(first).prefix(room).enumerated() {
      let isChosen = first + offset == choice.focus
      box.put(
        (isChosen ? "▸ " : "  ") + level.rawValue, row: offset + (hasBorder ? 1 : 0), column: 2,
        width: width - 4, role: isChosen ? .focus : .text)
    }
    frame.place(box, row: (size.rows - height) / 2, column: (size.columns - width) / 2)
  }
}

extension Frame {
  /// A blank box with sides, and with a top and a bottom if there is room.
  fileprivate init(box size: Size, title: String = "") {
    self.init(size)
    for row in 0..<size.rows { putSides(row: row) }
    guard size.rows > 2 else { return }
    put(.top, row: 0, title: title)
    put(.bottom, row: size.rows - 1)
  }
}
