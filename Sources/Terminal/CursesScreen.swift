import CNcurses
import Glibc

/// A terminal, drawn by ncurses. Input does not pass through ncurses, which would wait for the
/// rest of a key.
///
/// ncurses keeps global state, so at most one thread of the process may use such screens. Signals
/// are the owner's: call `end` on every way out, SIGTERM and SIGHUP included. To lend the terminal
/// to another program, end this screen and make a new one after.
public final class CursesScreen: Screen {
  public var palette: Palette {
    didSet { if palette != oldValue { applyPalette() } }
  }
  public var inputDescriptor: Int32 { input }
  public var keyTimeout: Int32? { hasEnded ? nil : keys.timeout }

  private let input: Int32
  private let output: Int32
  private let modes: TerminalModes
  private let frames: FrameOutput
  private let handle: OpaquePointer
  private let depth: ColorDepth
  private let hasUnicode: Bool
  private var keys: KeyReader
  private var hasEnded = false
  private var looks: [Role: Look] = [:]
  /// What ncurses was given last, and the size it believes the terminal has.
  private var shown: Frame?
  private var known: Size?

  /// What ncurses is told for a role.
  private struct Look: Equatable {
    var attributes: attr_t = 0
    var pair: Int16 = 0
    /// Whether a blank in it looks as any other blank.
    var isUnseenOnBlanks = true
  }

  /// Takes over a terminal: raw input, the alternate screen, a hidden cursor.
  ///
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
    self.handle = handle
    self.input = input
    self.output = output
    self.palette = palette
    keys = KeyReader(descriptor: input)
    depth = allowsColor ? ColorDepth(colors: Int(cnc_colors())) : .mono
    try start()
  }

  deinit { end() }

  public var size: Size {
    var rows: Int32 = 0
    var columns: Int32 = 0
    guard cnc_window_size(output, &rows, &columns) == 0, rows > 0, columns > 0 else {
      // A serial line does not know its size.
      return Size(columns: 80, rows: 24)
    }
    return Size(columns: Int(columns), rows: Int(rows))
  }

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

  public func forgetContent() { known = nil }

  public func nextKey() throws(TerminalError) -> Key? {
    hasEnded ? nil : try keys.next()
  }

  public func end() {
    guard !hasEnded else { return }
    hasEnded = true
    set_term(handle)
    cnc_endwin()
    // There is nobody to tell when the terminal is gone.
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

  /// A colour pair for each role. ncurses itself draws again what a changed pair has drawn.
  private func applyPalette() {
    guard !hasEnded else { return }
    set_term(handle)
    for (index, role) in Role.allCases.enumerated() {
      let look = palette.look(role, depth: depth)
      let hasColor = look.foreground != nil || look.background != nil
      let pair = hasColor ? Int16(index + 1) : 0
      let foreground = look.foreground.map(Int16.init) ?? -1
      let background = look.background.map(Int16.init) ?? -1
      if hasColor { init_pair(pair, foreground, background) }
      looks[role] = Look(
        attributes: cnc_attributes(UInt32(look.attributes.rawValue)), pair: pair,
        isUnseenOnBlanks: look.background == nil
          && look.attributes.isDisjoint(with: [.underline, .reverse]))
    }
    shown = nil
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
    var last = Look()
    var blanks = 0
    for cell in cells where cell.width > 0 {
      used += cell.width
      if used > columns { break }
      let look = looks[cell.role] ?? Look()
      if cell.text == " ", look.isUnseenOnBlanks {
        blanks += 1
        continue
      }
      // Blanks that look the same either way go on in the look around them: the terminal then
      // need not be told to change its colour and change it back.
      let around = look == last && look.isUnseenOnBlanks ? look : Look()
      for _ in 0..<blanks { append(.blank, around, to: &line) }
      append(cell, look, to: &line)
      last = look
      blanks = 0
    }
    for _ in 0..<blanks { append(.blank, Look(), to: &line) }
    mvwadd_wchnstr(cnc_window(), Int32(row), 0, line, Int32(line.count))
  }

  private func append(_ glyph: Frame.Glyph, _ look: Look, to line: inout [cchar_t]) {
    for text in drawable(glyph) {
      var cell = cchar_t()
      cnc_set(&cell, text, look.attributes, look.pair)
      line.append(cell)
    }
  }

  /// The glyph as zero-ended wide strings that ncurses counts as wide as the frame does. It goes
  /// by the C library, whose Unicode may be another.
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
