import PlainText
import Terminal
import TestSupport
import Testing

@Suite struct FrameTests {
  @Test(arguments: [
    ("ready", 0, 2, Int.max, "..ready...", 5), ("release", 0, 7, .max, ".......re…", 3),
    ("release", 0, 0, 4, "rel…......", 4), ("日本語", 0, 6, .max, "......日….", 3),
    ("x", 0, 10, .max, "..........", 0), ("x", 0, -1, .max, "..........", 0),
    ("x", 1, 0, .max, "..........", 0), ("x", -1, 0, .max, "..........", 0),
    ("x", 0, 0, 0, "..........", 0), ("x", 0, 0, -9, "..........", 0),
  ])
  func putsText(
    _ text: String, _ row: Int, _ column: Int, _ width: Int, _ result: String, _ used: Int
  ) {
    var frame = Frame(Size(columns: 10, rows: 1))
    frame.put("..........", row: 0, column: 0)
    let cells = frame.put(text, row: row, column: column, width: width, role: .ready)
    #expect(frame.text == [result])
    #expect(cells == used)
  }

  @Test func neverLeavesHalfAWideCluster() {
    var frame = Frame(Size(columns: 6, rows: 3))
    for row in 0..<3 { frame.put("日本語", row: row, column: 0) }
    frame.put("x", row: 0, column: 1)
    frame.put("x", row: 1, column: 2)
    frame.put("界", row: 2, column: 1)
    #expect(frame.text == [" x本語", "日x 語", " 界 語"])
  }

  @Test func placesAFrameInAnother() {
    var inner = Frame(Size(columns: 4, rows: 2))
    inner.put("日本", row: 0, column: 0, role: .ready)
    inner.put("abcd", row: 1, column: 0)
    inner.cursor = Position(row: 1, column: 1)
    let corners = [(0, 0), (1, 1), (-1, -1), (0, -1), (1, 3), (5, 9), (-7, -7)]
    let results = corners.map { row, column in
      var outer = Frame(Size(columns: 5, rows: 2))
      outer.place(inner, row: row, column: column)
      return outer.text
    }
    #expect(
      results == [
        ["日本", "abcd"], ["", " 日本"], ["bcd", ""], [" 本", "bcd"], ["", "   日"], ["", ""],
        ["", ""],
      ])
    var outer = Frame(Size(columns: 5, rows: 4))
    outer.place(inner, row: 2, column: 1)
    #expect(outer.cursor == Position(row: 3, column: 2))
  }

  @Test func tellsRoles() {
    var frame = Frame(Size(columns: 12, rows: 3))
    frame.put("web", row: 0, column: 0)
    frame.put("ready", row: 0, column: 4, role: .ready)
    frame.put("one row", row: 1, column: 1)
    frame.paint(.selected, row: 1, column: 1)
    frame.put("gone", row: 2, column: 0, role: .bad)
    frame.clear(row: 2, column: 2)
    let roles = (0..<3).map { frame.row($0).map(\.role) }
    func cells(_ role: Role, _ count: Int) -> [Role] { Array(repeating: role, count: count) }
    #expect(roles[0] == cells(.text, 4) + cells(.ready, 5) + cells(.text, 3))
    #expect(roles[1] == cells(.text, 1) + cells(.selected, 11))
    #expect(roles[2] == cells(.bad, 2) + cells(.text, 10))
    #expect(frame.text == ["web ready", " one row", "go"])
  }

  @Test func drawsRules() {
    let frames = [0, 1, 2, 6, 8, 20].map { width in
      var frame = Frame(Size(columns: width, rows: 4))
      frame.put(.top, row: 0, title: "Logs")
      frame.put(.middle, row: 1)
      frame.putSides(row: 2)
      frame.put(.bottom, row: 3, title: "日本")
      return frame.text
    }
    #expect(
      frames == [
        ["", "", "", ""], ["┌", "├", "│", "└"], ["┌┐", "├┤", "││", "└┘"],
        ["┌ … ─┐", "├────┤", "│    │", "└ … ─┘"],
        ["┌ Lo… ─┐", "├──────┤", "│      │", "└ 日… ─┘"],
        [
          "┌ Logs ────────────┐", "├──────────────────┤", "│                  │",
          "└ 日本 ────────────┘",
        ],
      ])
  }

  @Test func staysAGridWhateverIsDrawn() {
    var random = Scramble(7)
    for _ in 0..<1000 {
      let size = Size(
        columns: Int.random(in: 0...9, using: &random), rows: Int.random(in: 0...2, using: &random))
      var frame = Frame(size)
      for _ in 0..<16 {
        let row = Int.random(in: -1...2, using: &random)
        let column = Int.random(in: -2...9, using: &random)
        let width = Int.random(in: -1...12, using: &random)
        switch Int.random(in: 0...4, using: &random) {
        case 0: frame.clear(row: row, column: column, width: width)
        case 1: frame.paint(.match, row: row, column: column, width: width)
        case 2: frame.place(frame, row: row - 1, column: column - 3)
        case 3: frame.put(.top, row: row, title: random.text(3))
        default: frame.put(random.text(5), row: row, column: column, width: width)
        }
      }
      let isGrid = (0..<size.rows).allSatisfy { row in
        let cells = Array(frame.row(row))
        return cells.count == size.columns
          && cells.indices.allSatisfy { index in
            switch cells[index].width {
            case 0: index > 0 && cells[index - 1].width == 2 && cells[index].text.isEmpty
            case 2: index + 1 < cells.count && cells[index + 1].width == 0
            default: Printable.width(cells[index].text) == 1
            }
          }
      }
      if !isGrid { Issue.record("\(frame)") }
    }
  }

  @Test func limitsWhatATerminalClaims() {
    #expect(Size(columns: 65535, rows: 65535) == Size.largest)
    #expect(Size(columns: -1, rows: -1) == Size(columns: 0, rows: 0))
  }
}
