import PlainText
import Terminal

/// The page of all keys, made from the table of commands.
struct HelpPage: BodyView {
  /// Whether commands that change something are left out.
  let isReadOnly: Bool
  /// The first line shown.
  let top: Int

  struct Line: Equatable {
    var keys: String
    var text: String
    var isTitle = false
  }

  func lines(width: Int) -> [Line] {
    KeyCommand.Group.allCases.flatMap { group in
      let commands = KeyCommand.all.filter { command in
        command.group == group && !(command.writes && isReadOnly)
      }
      let rows = commands.flatMap { command in
        let keys = command.keys.map(\.name).joined(separator: " ")
        let texts = Printable.wrap(command.help, to: width - Self.keysWidth(width) - 5)
        return texts.enumerated().map { Line(keys: $0 == 0 ? keys : "", text: $1) }
      }
      return rows.isEmpty ? [] : [Line(keys: "", text: group.rawValue, isTitle: true)] + rows
    }
  }

  private static func keysWidth(_ width: Int) -> Int {
    let keys = KeyCommand.all.map { $0.keys.map(\.name).joined(separator: " ") }
    return min(keys.map(Printable.width).max() ?? 0, width / 3)
  }

  func rows(in body: Area) -> Int { max(1, body.height) }

  func draw(_ frame: inout Frame, in body: Area) {
    let lines = lines(width: body.width)
    let width = Self.keysWidth(body.width)
    for (offset, line) in lines.dropFirst(top).prefix(body.height).enumerated() {
      let (row, column) = (body.row + offset, body.column + 1)
      if line.isTitle {
        frame.put(line.text, row: row, column: column, width: body.width - 2, role: .title)
      } else {
        frame.put(line.keys, row: row, column: column + 1, width: width, role: .key)
        frame.put(line.text, row: row, column: column + width + 3, width: body.width - width - 5)
      }
    }
    let left = lines.count - top - body.height
    if left > 0, body.height > 1 {
      frame.putLast(Cell("… \(left + 1) more, j reads on", .aside), in: body)
    }
  }
}
