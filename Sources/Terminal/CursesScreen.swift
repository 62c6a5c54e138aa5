import CNcurses
import Glibc

/// A terminal, drawn by ncurses. Keys are read without ncurses, which would wait for the rest of a key.
///
/// A program waits in `poll(2)` on `inputDescriptor` for at most `keyTimeout`, takes keys until
/// there are none, and draws. ncurses keeps global state, so one thread of the process uses the
/// screen. The program handles signals: it calls `end` on every way out, SIGTERM and SIGHUP
/// included. To lend the terminal to another program, end this screen and make a new one after.
public final class CursesScreen {
  /// Readable when there are keys, or when the terminal is gone.
  public var inputDescriptor: Int32 { input }

  /// Milliseconds after which `nextKey` is to be called even if nothing arrives, because a key is
  /// half received: an Esc may be the beginning of an arrow key. Nil: wait for ever.
  public var keyTimeout: Int32? { hasEnded ? nil : keys.timeout }

  private let input: Int32
  private let output: Int32
  private let modes: TerminalModes
  private let frames: FrameOutput
  private let handle: OpaquePointer
  private let palette: Palette
  private let depth: ColorDepth
  private let hasUnicode: Bool
  private var keys: KeyReader
  private var hasEnded = false
  private var styles: [Role: CellStyle] = [:]
  /// What ncurses was given last, and the size it believes the terminal has.
  private var shown: Frame?
  private var known: Size?

  /// The style of a role as ncurses takes it.
  private struct CellStyle: Equatable {
    var attributes: attr_t = 0
    var pair: Int16 = 0
    /// Whether a blank in this style looks like any other blank.
    var isUnseenOnBlanks = true
  }

  /// Takes over a terminal: raw input, the alternate screen, a hidden cursor.
  /// - Parameters:
  ///   - input: the descriptor keys come from.
  ///   - output: the descriptor frames go to.
  ///   - terminal: the value of `TERM`.
  ///   - allowsColor: false for `NO_COLOR`.
  public init(
    input: Int32 = 0, output: Int32 = 1, terminal: String, palette: Palette,
    allowsColor: Bool = true
  ) throws(TerminalError) {
    guard isatty(output) == 1 else { throw .notATerminal(descriptor: output) }
    modes = try TerminalModes(descriptor: input)
    frames = try FrameOutput(terminal: output, memory: cnc_memory_file())
    hasUnicode = cnc_use_utf8() == 1
    switch cnc_terminal_kind(terminal, output) {
    case 0: throw .unknownTerminal(name: terminal)
    case 1: throw .dumbTerminal(name: terminal)
    default: break
    }
    guard let handle = cnc_newterm(terminal, frames.stream, frames.stream) else {
      throw .unknownTerminal(name: terminal)
    }
    (self.handle, self.input, self.output, self.palette) = (handle, input, output, palette)
    keys = KeyReader(descriptor: input)
    depth = allowsColor ? ColorDepth(colors: Int(cnc_colors())) : .mono
    try start()
  }

  deinit { end() }

  /// The present size. The terminal is asked each time, so after SIGWINCH it is enough to draw a frame of this size.
  public var size: Size {
    var rows: Int32 = 0
    var columns: Int32 = 0
    guard cnc_window_size(output, &rows, &columns) == 0, rows > 0, columns > 0 else {
      // A serial line does not know its size.
      return Size(columns: 80, rows: 24)
    }
    return Size(columns: Int(columns), rows: Int(rows))
  }

  /// Shows a frame. Only what differs from the last frame is sent.
  public func draw(_ frame: Frame) throws(TerminalError) {
    guard !hasEnded else { return }
    let size = size
    if size == known, frame == shown { return }
    set_term(handle)
    if size != known {
      // Terminals move their content about when resized, each in its own way.
      resizeterm(Int32(size.rows), Int32(size.columns))
      cnc_repaint()
      known = size
      shown = nil
    }
    if shown?.size != frame.size {
      werase(cnc_window())
      shown = nil
    }
    for row in 0..<min(frame.size.rows, size.rows) {
      let cells = frame.row(row)
      if let shown, shown.row(row) == cells { continue }
      draw(cells, row: row, columns: size.columns)
    }
    place(frame.cursor, in: size)
    shown = frame
    wnoutrefresh(cnc_window())
    doupdate()
    try frames.flush()
  }

  /// Sends every cell with the next frame: after `^L`, or when another program wrote to the terminal.
  public func forgetContent() { known = nil }

  /// The next key, or nil when none has arrived. Never waits.
  public func nextKey() throws(TerminalError) -> Key? { hasEnded ? nil : try keys.next() }

  /// Restores the terminal. A screen that has ended draws nothing and has no keys.
  public func end() {
    guard !hasEnded else { return }
    hasEnded = true
    set_term(handle)
    cnc_endwin()
    // The terminal may be gone. Then the error cannot be shown.
    try? frames.flush()
    delscreen(handle)
    modes.restore()
  }

  private func start() throws(TerminalError) {
    set_term(handle)
    nonl()
    typeahead(-1)
    if depth != .mono {
      start_color()
      use_default_colors()
    }
    applyPalette()
    do {
      try modes.enterRaw()
    } catch {
      end()
      throw error
    }
  }

  /// Makes a colour pair for each role.
  private func applyPalette() {
    for (index, role) in Role.allCases.enumerated() {
      let appearance = palette.appearance(role, depth: depth)
      let hasColor = appearance.foreground != nil || appearance.background != nil
      let pair = hasColor ? Int16(index + 1) : 0
      let foreground = appearance.foreground.map(Int16.init) ?? -1
      let background = appearance.background.map(Int16.init) ?? -1
      if hasColor { init_pair(pair, foreground, background) }
      styles[role] = CellStyle(
        attributes: cnc_attributes(UInt32(appearance.attributes.rawValue)), pair: pair,
        isUnseenOnBlanks: appearance.isUnseenOnBlanks)
    }
  }

  private func place(_ cursor: Position?, in size: Size) {
    if let cursor, 0..<size.rows ~= cursor.row, 0..<size.columns ~= cursor.column {
      leaveok(cnc_window(), false)
      wmove(cnc_window(), Int32(cursor.row), Int32(cursor.column))
      curs_set(1)
    } else {
      leaveok(cnc_window(), true)
      curs_set(0)
    }
  }

  private func draw(_ cells: ArraySlice<Frame.Glyph>, row: Int, columns: Int) {
    var line: [cchar_t] = []
    line.reserveCapacity(columns)
    var used = 0
    var last = CellStyle()
    var blanks = 0
    for cell in cells where cell.width > 0 {
      used += cell.width
      if used > columns { break }
      let style = styles[cell.role] ?? CellStyle()
      if cell.text == " ", style.isUnseenOnBlanks {
        blanks += 1
        continue
      }
      // Blanks that look the same either way keep the style around them: the terminal then
      // need not change its colour and change it back.
      let around = style == last && style.isUnseenOnBlanks ? style : CellStyle()
      for _ in 0..<blanks { append(.blank, around, to: &line) }
      append(cell, style, to: &line)
      last = style
      blanks = 0
    }
    for _ in 0..<blanks { append(.blank, CellStyle(), to: &line) }
    mvwadd_wchnstr(cnc_window(), Int32(row), 0, line, Int32(line.count))
  }

  private func append(_ glyph: Frame.Glyph, _ style: CellStyle, to line: inout [cchar_t]) {
    for text in drawable(glyph) {
      var cell = cchar_t()
      cnc_set(&cell, text, style.attributes, style.pair)
      line.append(cell)
    }
  }

  /// The glyph as zero-ended wide strings that have the same width for ncurses as for the frame. ncurses
  /// asks the C library, which may have another version of Unicode.
  private func drawable(_ glyph: Frame.Glyph) -> [[wchar_t]] {
    var scalars = glyph.text.unicodeScalars.map { wchar_t(truncatingIfNeeded: $0.value) }
    guard let base = scalars.first else { return [] }
    if base < 0x7F, scalars.count == 1 { return [[base, 0]] }
    guard hasUnicode, Int(cnc_width(base)) == glyph.width else {
      let substitute = wchar_t(Ascii.substitute(for: glyph.text))
      return Array(repeating: [substitute, 0], count: glyph.width)
    }
    scalars.removeAll { $0 != base && cnc_width($0) != 0 }
    return [scalars + [0]]
  }
}
