import NodeModel
import PlainText
import Terminal

/// The Logs view: the output of an app's instances, or a node's own log.
struct LogsView: BodyView {
  var title: String
  /// Whether it is a node's own log.
  var isNode: Bool
  var lines: Feed<LogEntry>
  var filter: LogFilter
  var search: Search
  /// The sentence for a log without lines.
  var empty: String
  var clock: WallClock

  /// A view of four rows and more has a title.
  func rows(in body: Area) -> Int { body.height - (body.height > 3 ? 1 : 0) }

  func draw(_ frame: inout Frame, in body: Area) {
    let (shown, after) = lines.window(height: rows(in: body), passes: filter.passes)
    var area = body
    if area.height > 3 {
      frame.put([title(after: after)], in: area)
      area = area.below(1)
    }
    if shown.isEmpty {
      let sentence = lines.rows.isEmpty ? empty : "No line matches."
      return frame.put([Cell(sentence, .aside)], in: area)
    }
    let rows = shown.map { (number: $0.number, cells: cells(of: $0.row)) }
    let table = rows.map(\.cells).filter { $0.count > 1 }
    let columns = isNode ? Self.nodeColumns.whole(for: table, upTo: 16) : Self.outputColumns
    let layout = Layout(columns, rows: table, width: area.width - 2)
    for (offset, row) in rows.prefix(area.height).enumerated() {
      let line = area.below(offset)
      if row.cells.count == 1 {
        frame.put(row.cells, in: line)
      } else {
        frame.put(row.cells, in: layout, row: line.row, column: line.column + 1)
      }
      mark(&frame, line, row.number, row.cells, layout)
    }
  }

  private func title(after: Int) -> Cell {
    let isPaused = lines.top != nil
    let position = isPaused ? "paused, \(after) newer below; G follows" : "following"
    let sought = search.text.isEmpty ? "" : " · finding '\(search.text)'"
    return Cell("\(title)\(sought) · \(position)", isPaused ? .warning : .aside)
  }

  private static let outputColumns = [
    Column("", minimum: 8, yields: 2), Column("", minimum: 5, yields: 1),
    Column("", minimum: 10, grows: true),
  ]

  private static let nodeColumns = [
    Column("", minimum: 8, yields: 2), Column("", minimum: 4, yields: 1),
    Column("", minimum: 7, yields: 4), Column("", minimum: 6, yields: 3),
    Column("", minimum: 30, grows: true),
  ]

  /// One cell for a sentence over the whole width.
  private func cells(of entry: LogEntry) -> [Cell] {
    switch entry {
    case .output(let line):
      return [
        Cell(Wording.moment(line.time, clock), .aside),
        Cell(line.instance.description, .aside),
        Cell(LogLevel.text(of: line.text), LogLevel.role(of: line.text)),
      ]
    case .lost(let count):
      let lines = count == 1 ? "1 line" : "\(Wording.number(count)) lines"
      return [Cell("… \(lines) lost: the node logs faster than they can be sent", .warning)]
    case .gap: return [Cell("… the lines logged while this view was closed were not read", .aside)]
    case .line(let line, false):
      return ["", "", "", ""].map { Cell($0) } + [Cell(line.text, line.level.role)]
    case .line(let line, true):
      return [
        Cell(Wording.moment(line.time, clock), .aside),
        Cell(line.level.rawValue, line.level.role), Cell(line.pid, .aside),
        Cell(line.module, .aside), Cell(line.text, line.level.role),
      ]
    }
  }

  /// Marks the text that is looked for, and the line where it was found last.
  private func mark(
    _ frame: inout Frame, _ line: Area, _ number: Int, _ cells: [Cell], _ layout: Layout
  ) {
    guard !search.text.isEmpty, let span = layout.spans.last else { return }
    if number == search.found {
      frame.put("▸", row: line.row, column: line.column, role: .match)
    }
    guard cells.count > span.index else { return }
    let shown = Printable.cut(cells[span.index].text, to: span.width)
    for place in Match.places(of: search.text, in: shown) {
      frame.paint(
        .match, row: line.row, column: line.column + 1 + span.start + place.lowerBound,
        width: place.count)
    }
  }
}

extension NodeLogLine.Level {
  fileprivate var role: Role {
    switch self {
    case .debug: .logDebug
    case .info: .logInfo
    case .notice: .logNotice
    case .warning: .logWarning
    case .error, .critical, .alert, .emergency: .logError
    }
  }
}

/// A search for a text in a line, which compares as `Filter` does.
enum Match {
  /// The limit for the places in a line; few lines have room for more.
  private static let most = 20

  /// The cells that the text takes at each place.
  static func places(of text: String, in line: String) -> [Range<Int>] {
    let isExact = text.contains { $0.isUppercase }
    let wanted = Array(text)
    let characters = Array(line)
    let compared = isExact ? characters : characters.map { Character($0.lowercased()) }
    guard !wanted.isEmpty, wanted.count <= compared.count else { return [] }
    var places: [Range<Int>] = []
    var index = 0
    while index + wanted.count <= compared.count, places.count < most {
      guard compared[index..<index + wanted.count].elementsEqual(wanted) else {
        index += 1
        continue
      }
      let start = Printable.width(String(characters[..<index]))
      let width = Printable.width(String(characters[index..<index + wanted.count]))
      places.append(start..<start + width)
      index += wanted.count
    }
    return places
  }
}
