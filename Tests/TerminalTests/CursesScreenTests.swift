import Glibc
import Terminal
import TestSupport
import Testing

/// One after the other: ncurses has global state.
@Suite(.serialized) struct CursesScreenTests {
  private let window: PseudoTerminal

  init() throws { window = try PseudoTerminal(columns: 80, rows: 24) }

  private func screen(
    _ terminal: String = "xterm-256color", allowsColor: Bool = true
  ) throws -> CursesScreen {
    try CursesScreen(
      input: window.terminal, output: window.terminal, terminal: terminal,
      palette: try Palette(theme: BuiltInTheme.dark.text, file: "dark.theme"),
      allowsColor: allowsColor)
  }

  private static let columns = [
    Column("APP", minimum: 8), Column("RELEASE", minimum: 9), Column("STATE", minimum: 12),
    Column("INSTANCES", grows: true), Column("BY"), Column("AGE", .right),
    Column("MEM", .right, minimum: 6),
  ]

  /// A table as a dashboard shows it, one row selected from side to side.
  private func frame(_ size: Size, selected: Int) -> Frame {
    let rows = (0..<20).map { number in
      [
        Cell("greeter\(number)"), Cell("v1\(number)"), Cell("ready", .ready), Cell("web 2/2"),
        Cell("ana", .aside), Cell("\(number) h", .aside), Cell("\(number)8 MB"),
      ]
    }
    let layout = Layout(Self.columns, rows: rows, width: size.columns - 4)
    var frame = Frame(size)
    frame.put(.top, row: 0, title: "Releases")
    for (number, row) in rows.enumerated() {
      frame.putSides(row: number + 1)
      frame.put(row, in: layout, row: number + 1, column: 2)
    }
    frame.paint(.selected, row: selected + 1, column: 1, width: size.columns - 2)
    return frame
  }

  @Test func givesTheTerminalBackAsItWas() throws {
    let before = window.modes()
    let screen = try screen()
    #expect(window.modes() != before)
    try screen.draw(frame(screen.size, selected: 0))
    #expect(try window.sent().contains("\u{1B}[?1049h"))
    screen.end()
    #expect(window.modes() == before)
    let farewell = try window.sent()
    #expect(farewell.contains("\u{1B}[?1049l") && farewell.contains("\u{1B}[?25h"))
    screen.end()
    try screen.draw(frame(screen.size, selected: 1))
    #expect(try window.sent().isEmpty)
    #expect(try screen.nextKey() == nil)
  }

  @Test func endsWhenItIsReleased() throws {
    let before = window.modes()
    do { _ = try screen() }
    #expect(window.modes() == before)
  }

  @Test(arguments: ["xterm-256color", "tmux-256color", "screen-256color", "xterm", "linux"])
  func sendsOnlyWhatChanges(_ terminal: String) throws {
    let screen = try screen(terminal)
    defer { screen.end() }
    try screen.draw(frame(screen.size, selected: 4))
    let first = try window.sent()
    #expect(first.contains("greeter19") && first.contains("┌"))
    try screen.draw(frame(screen.size, selected: 4))
    #expect(try window.sent().isEmpty)
    try screen.draw(frame(screen.size, selected: 5))
    let moved = try window.sent()
    #expect(1...250 ~= moved.utf8.count, "\(moved.utf8.count) bytes: \(moved.debugDescription)")
    screen.forgetContent()
    try screen.draw(frame(screen.size, selected: 5))
    #expect(try window.sent().contains("greeter19"))
  }

  @Test func readsKeysWithoutWaiting() throws {
    let screen = try screen()
    defer { screen.end() }
    #expect(try screen.nextKey() == nil)
    #expect(screen.keyTimeout == nil)
    window.type("j\u{1B}[B\u{3}")
    #expect(window.waitForInput())
    #expect(try [screen.nextKey(), screen.nextKey()] == [.character("j"), .down])
    #expect(screen.keyTimeout == 0)
    #expect(try [screen.nextKey(), screen.nextKey()] == [.control("c"), nil])
  }

  @Test func tellsEscFromTheBeginningOfAKey() throws {
    let screen = try screen()
    defer { screen.end() }
    window.type("\u{1B}")
    #expect(window.waitForInput())
    #expect(try screen.nextKey() == nil)
    let timeout = try #require(screen.keyTimeout)
    #expect(0...25 ~= timeout)
    window.type("[A")
    #expect(window.waitForInput())
    #expect(try screen.nextKey() == .up)
    window.type("\u{1B}")
    #expect(window.waitForInput())
    var key = try screen.nextKey()
    var turns = 0
    while key == nil, turns < 1000 {
      var nothing = pollfd(fd: -1, events: 0, revents: 0)
      poll(&nothing, 1, max(1, screen.keyTimeout ?? 1))
      key = try screen.nextKey()
      turns += 1
    }
    #expect(key == .escape)
    #expect(screen.keyTimeout == nil)
  }

  @Test func saysWhenTheTerminalIsGone() throws {
    let screen = try screen()
    defer { screen.end() }
    window.type("j")
    #expect(window.waitForInput())
    #expect(try screen.nextKey() == .character("j"))
    window.hangUp()
    // A program that another test has just forked may hold the window's end until it execs.
    #expect(window.waitForInput())
    #expect(throws: TerminalError.gone) { try screen.nextKey() }
    #expect(throws: TerminalError.gone) { try screen.draw(frame(screen.size, selected: 0)) }
  }

  @Test func followsTheWindow() throws {
    let screen = try screen()
    defer { screen.end() }
    try screen.draw(frame(screen.size, selected: 0))
    for (columns, rows) in [(1, 1), (300, 100), (20, 5), (2, 60)] as [(UInt16, UInt16)] {
      _ = try window.sent()
      window.resize(columns: columns, rows: rows)
      #expect(screen.size == Size(columns: Int(columns), rows: Int(rows)))
      // The old frame may still come; it is cut.
      try screen.draw(frame(Size(columns: 80, rows: 24), selected: 0))
      #expect(try !window.sent().isEmpty)
      var wide = Frame(screen.size)
      for row in 0..<wide.size.rows { wide.put("日本語日本語日本語", row: row, column: 0) }
      try screen.draw(wide)
      let sent = try window.sent()
      #expect(columns == 1 || sent.contains("…") || sent.contains("日"))
    }
  }

  @Test func keepsToTheColorsAllowed() throws {
    let cases = [
      ("xterm-256color", true, "38;5;"), ("xterm-256color", false, nil), ("vt100", true, nil),
      ("xterm", true, "\u{1B}[3"),
    ]
    for (terminal, allowsColor, mark) in cases {
      let screen = try screen(terminal, allowsColor: allowsColor)
      try screen.draw(frame(screen.size, selected: 3))
      screen.end()
      let sent = try window.sent()
      let isColored = sent.firstMatch(of: /\e\[[0-9;]*[34][0-8][;m]/) != nil
      #expect(isColored == (mark != nil), "\(terminal)")
      #expect(mark.map(sent.contains) ?? true, "\(terminal)")
    }
  }

  @Test func showsTheCursorWhereAFrameWantsIt() throws {
    let screen = try screen()
    defer { screen.end() }
    var frame = Frame(screen.size)
    try screen.draw(frame)
    #expect(try window.sent().contains("\u{1B}[?25l"))
    frame.cursor = Position(row: 4, column: 9)
    try screen.draw(frame)
    let shown = try window.sent()
    #expect(shown.contains("\u{1B}[5;10H") && shown.contains("\u{1B}[?25h"))
    frame.cursor = nil
    try screen.draw(frame)
    #expect(try window.sent().contains("\u{1B}[?25l"))
  }

  @Test func refusesWhatItCannotDrawOn() throws {
    let before = window.modes()
    #expect(throws: TerminalError.dumbTerminal(name: "dumb")) { try screen("dumb") }
    #expect(throws: TerminalError.unknownTerminal(name: "nope")) { try screen("nope") }
    #expect(throws: TerminalError.unknownTerminal(name: "")) { try screen("") }
    let file = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(file) }
    #expect(throws: TerminalError.notATerminal(descriptor: file)) {
      try CursesScreen(input: 0, output: file, terminal: "xterm", palette: .mono)
    }
    #expect(throws: TerminalError.notATerminal(descriptor: file)) {
      try CursesScreen(input: file, output: window.terminal, terminal: "xterm", palette: .mono)
    }
    #expect(window.modes() == before)
  }
}
