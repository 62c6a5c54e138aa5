import NodeModel
import PlainText
import Terminal

extension Model {
  func drawLogs(_ frame: inout Frame, _ area: Area) {
    if showsNodeLog, let node = shownNode { return drawNodeLog(&frame, area, of: node) }
    guard let app = shownApp else {
      frame.put(
        Wording.sentence(.noApp), row: area.row, column: area.column + 1, width: area.width - 2)
      return
    }
    let height = listHeight
    let (lines, after) = output.lines.window(
      height: height, passes: Filter(filters[.view(.logs)]).passes)
    var rows = area
    if area.height > height {
      let what = output.source?.instance.map { "\(app.name) \($0)" } ?? "\(app.name), all instances"
      drawFeedTitle(&frame, area, what, after: after, isPaused: output.lines.top != nil)
      rows = area.below(1)
    }
    if lines.isEmpty {
      drawNothing(&frame, rows, output.lines.rows.isEmpty ? "No output yet." : "No line matches.")
    }
    let cells = lines.map { _, line in
      [
        Cell(Wording.moment(line.time, now: now, utcOffset: utcOffset), .aside),
        Cell(line.instance.description, .aside),
        Cell(LogLevel.text(of: line.text), LogLevel.role(of: line.text)),
      ]
    }
    let columns = [
      Column("", minimum: 8, yields: 2), Column("", minimum: 5, yields: 1),
      Column("", minimum: 10, grows: true),
    ]
    let layout = Layout(columns, rows: cells, width: rows.width - 2)
    drawRows(&frame, rows, cells, layout)
    mark(&frame, rows, cells, layout, numbers: lines.map(\.number))
  }

  // MARK: - A node's own log

  private func drawNodeLog(_ frame: inout Frame, _ area: Area, of node: NodeReport) {
    let height = listHeight
    let entries = nodeLog.entries
    let (lines, after) = entries.window(height: height, passes: passesLog)
    var rows = area
    if area.height > height {
      let level = leastLevel.map { "\($0.rawValue)+" } ?? "all levels"
      drawFeedTitle(
        &frame, area, "log of \(node.name) · \(level)", after: after, isPaused: entries.top != nil)
      rows = area.below(1)
    }
    if lines.isEmpty {
      let hindrance = entries.rows.isEmpty ? Wording.hindrance(of: node) : nil
      let quiet = entries.rows.isEmpty ? "It has logged nothing since." : "No line matches."
      drawNothing(&frame, rows, hindrance ?? quiet)
    }
    let cells = lines.map { row(of: $0.row) }
    let told = cells.filter { $0.count > 1 }
    let layout = Layout(
      Self.logColumns.whole(for: told, upTo: 16), rows: told, width: rows.width - 2)
    drawRows(&frame, rows, cells, layout)
    for (offset, row) in cells.enumerated() where row.count == 1 {
      frame.put(
        row[0].text, row: rows.row + offset, column: rows.column + 1, width: rows.width - 2,
        role: row[0].role)
    }
    mark(&frame, rows, cells, layout, numbers: lines.map(\.number))
  }

  private static let logColumns = [
    Column("", minimum: 8, yields: 2), Column("", minimum: 4, yields: 1),
    Column("", minimum: 7, yields: 4), Column("", minimum: 6, yields: 3),
    Column("", minimum: 30, grows: true),
  ]

  /// One cell for what is said over the whole width.
  private func row(of entry: NodeLog.Entry) -> [Cell] {
    switch entry {
    case .lost(let count):
      let lines = count == 1 ? "1 line" : "\(Wording.number(count)) lines"
      return [Cell("… \(lines) lost: the node logs faster than they can be sent", .warning)]
    case .gap: return [Cell("… what it logged meanwhile was not read", .aside)]
    case .line(let line, false):
      return ["", "", "", ""].map { Cell($0) } + [Cell(line.text, Self.role(of: line.level))]
    case .line(let line, true):
      return [
        Cell(Wording.moment(line.time, now: now, utcOffset: utcOffset), .aside),
        Cell(line.level.rawValue, Self.role(of: line.level)), Cell(line.pid, .aside),
        Cell(line.module, .aside), Cell(line.text, Self.role(of: line.level)),
      ]
    }
  }

  private static func role(of level: NodeLogLine.Level) -> Role {
    switch level {
    case .debug: .logDebug
    case .info: .logInfo
    case .notice: .logNotice
    case .warning: .logWarning
    case .error, .critical, .alert, .emergency: .logError
    }
  }

  // MARK: - What both have

  private func drawNothing(_ frame: inout Frame, _ area: Area, _ text: String) {
    frame.put(text, row: area.row, column: area.column + 1, width: area.width - 2, role: .aside)
  }

  private func drawFeedTitle(
    _ frame: inout Frame, _ area: Area, _ what: String, after: Int, isPaused: Bool
  ) {
    let state = isPaused ? "paused, \(after) newer below; G follows" : "following"
    let sought = find.text.isEmpty ? "" : " · finding '\(find.text)'"
    frame.put(
      "\(what)\(sought) · \(state)", row: area.row, column: area.column + 1, width: area.width - 2,
      role: isPaused ? .warning : .aside)
  }

  /// Marks the text that is looked for, and the line where it was found last.
  private func mark(
    _ frame: inout Frame, _ area: Area, _ cells: [[Cell]], _ layout: Layout, numbers: [Int]
  ) {
    guard !find.text.isEmpty, let span = layout.spans.last else { return }
    for (offset, row) in cells.prefix(area.height).enumerated() {
      let line = area.row + offset
      if numbers[offset] == find.found {
        frame.put("▸", row: line, column: area.column, role: .match)
      }
      guard row.count > span.index else { continue }
      for place in Match.places(
        of: find.text, in: Printable.cut(row[span.index].text, to: span.width))
      {
        frame.paint(
          .match, row: line, column: area.column + 1 + span.start + place.lowerBound,
          width: place.count)
      }
    }
  }
}

/// Where a text stands in a line, as `Filter` compares.
enum Match {
  /// More than fit on most lines.
  private static let most = 20

  /// The cells of each place.
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
