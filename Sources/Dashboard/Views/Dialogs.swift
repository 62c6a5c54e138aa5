import PlainText
import Terminal

/// A question over the screen, with its two answers. The focused answer is in brackets, so that it
/// can be seen without colours.
struct QuestionDialog {
  let question: Confirmation

  func draw(_ frame: inout Frame) {
    let size = frame.size
    let width = min(size.columns, max(24, min(66, size.columns - 4)))
    let lines = fitted(width: width - 4, height: size.rows - 3)
    let height = min(size.rows, lines.count + 3)
    let top = max(0, (size.rows - height) / 2)
    let left = max(0, (size.columns - width) / 2)
    var box = Frame(box: Size(columns: width, rows: height))
    for (offset, line) in lines.enumerated() {
      box.put(line.text, row: offset + 1, column: 2, width: width - 4, role: line.role)
    }
    drawAnswers(&box, row: height > 2 ? height - 2 : height - 1)
    frame.place(box, row: top, column: left)
  }

  private func drawAnswers(_ box: inout Frame, row: Int) {
    box.clear(row: row, column: 1, width: box.size.columns - 2)
    let isYes = question.isYesFocused
    var column = 2
    for (text, isFocused) in [("No", !isYes), ("Yes", isYes)] {
      let button = isFocused ? "[ \(text) ]" : "  \(text)  "
      column += 1 + box.put(button, row: row, column: column, role: isFocused ? .focus : .text)
    }
  }

  /// The whole text with blank lines if it fits, else as many lines as fit without blank ones.
  private func fitted(width: Int, height: Int) -> [Cell] {
    func wrapped(_ text: String, _ role: Role) -> [Cell] {
      Printable.wrap(text, to: max(2, width)).map { Cell($0, role) }
    }
    let blank = [Cell("")]
    let ask = wrapped(question.consequences.question, .title)
    let what = question.consequences.changes.flatMap { wrapped($0, .text) }
    let undo = wrapped(question.consequences.undo, .aside)
    let airy = ask + blank + what + blank + undo + blank
    if airy.count <= height { return airy }
    return Array((ask + what + undo).prefix(max(0, height)))
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
