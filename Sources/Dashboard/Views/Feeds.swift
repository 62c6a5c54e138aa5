import Events
import HomeLayout
import Terminal

extension Model {
  func drawEvents(_ frame: inout Frame, _ area: Area) {
    let (window, _) = events.window(
      height: listHeight, passes: Filter(filters[.view(.events)]).passes)
    let shown = window.map(\.row)
    if shown.isEmpty {
      let text = events.rows.isEmpty ? "No event yet." : "No event matches."
      frame.put(text, row: area.row, column: area.column + 1, width: area.width - 2, role: .aside)
      return
    }
    let cells = shown.map(eventRow)
    let columns = [
      Column("TIME", minimum: 8, yields: 1), Column("EVENT", minimum: 19),
      Column("APP", minimum: 7, yields: 2), Column("WHAT", minimum: 10, grows: true, yields: 3),
      Column("BY", minimum: 4, yields: 2),
    ]
    let layout = Layout(columns, rows: cells, width: area.width - 2)
    var rows = area
    if Self.showsHeader(area.height) {
      frame.putHeader(layout, row: area.row, column: area.column + 1)
      rows = area.below(1)
    }
    drawRows(&frame, rows, cells, layout)
  }

  private func eventRow(_ event: Event) -> [Cell] {
    let asked = event.data.request.flatMap { id in events.rows.last { $0.id == id } }
    return [
      Cell(Wording.moment(event.time, now: now, utcOffset: utcOffset), .aside),
      Cell(event.typeName, EventSummary.role(of: event)), Cell(event.app ?? "–"),
      Cell(EventSummary.text(of: event, asked: asked)), Cell(event.data.by ?? "", .aside),
    ]
  }

  /// The selected app's last events, the newest at the end, as many as there is room for.
  func drawRecent(_ frame: inout Frame, _ area: Area, of app: String) {
    let recent = events.rows.filter { $0.app == app }.suffix(max(0, area.height - 2))
    guard area.height > 3, !recent.isEmpty else { return }
    let cells = recent.map { event in
      var row = eventRow(event)
      row.remove(at: 2)
      return row
    }
    let columns = [
      Column("TIME", minimum: 8, yields: 1), Column("LAST EVENTS", minimum: 12),
      Column("WHAT", minimum: 10, grows: true, yields: 2), Column("BY", minimum: 4, yields: 3),
    ]
    let layout = Layout(columns, rows: cells, width: area.width - 2)
    frame.putHeader(layout, row: area.row + 1, column: area.column + 1)
    drawRows(&frame, area.below(2), cells, layout)
  }

  func drawRows(_ frame: inout Frame, _ area: Area, _ cells: [[Cell]], _ layout: Layout) {
    for (offset, row) in cells.prefix(area.height).enumerated() {
      frame.put(row, in: layout, row: area.row + offset, column: area.column + 1)
    }
  }
}

/// What a line of output says of its own weight.
///
/// Elixir's logger and OTP's write `[error]` or `=ERROR REPORT====` near the start of a line.
enum LogLevel {
  private static let words: [(word: String, role: Role)] = [
    ("[debug]", .logDebug), ("[info]", .logInfo), ("[notice]", .logNotice),
    ("[warning]", .logWarning), ("[warn]", .logWarning), ("[error]", .logError),
    ("[critical]", .logError), ("[alert]", .logError), ("[emergency]", .logError),
    ("=ERROR REPORT", .logError), ("=CRASH REPORT", .logError), ("=WARNING REPORT", .logWarning),
    ("** (", .logError),
  ]

  static func role(of line: String) -> Role {
    let head = String(line.prefix(48))
    return words.first { head.contains($0.word) }?.role ?? .text
  }

  /// The line without the time that Elixir's logger puts before it: ours stands there already.
  static func text(of line: String) -> String {
    let head = Array(line.utf8.prefix(13))
    guard head.count == 13, head[2] == UInt8(ascii: ":"), head[5] == UInt8(ascii: ":"),
      head[8] == UInt8(ascii: "."), head[12] == UInt8(ascii: " "),
      head.enumerated().allSatisfy({ [2, 5, 8, 12].contains($0.offset) || isDigit($0.element) })
    else { return line }
    return String(decoding: line.utf8.dropFirst(13), as: UTF8.self)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
