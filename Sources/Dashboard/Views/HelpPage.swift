import PlainText
import Terminal

/// The page of all keys, made from the table of commands.
enum HelpPage {
  struct Line: Equatable {
    var keys: String
    var text: String
    var isTitle = false
  }

  static func lines(of model: Model) -> [Line] {
    let width = model.geometry.body.width
    return Command.Group.allCases.flatMap { group in
      let commands = Command.all.filter { command in
        command.group == group && !(command.writes && model.setting.isReadOnly)
      }
      let rows = commands.flatMap { command in
        let keys = command.keys.map(\.name).joined(separator: " ")
        let texts = Printable.wrap(command.help, to: width - keysWidth(width) - 5)
        return texts.enumerated().map { Line(keys: $0 == 0 ? keys : "", text: $1) }
      }
      return rows.isEmpty ? [] : [Line(keys: "", text: group.rawValue, isTitle: true)] + rows
    }
  }

  private static func keysWidth(_ width: Int) -> Int {
    let keys = Command.all.map { $0.keys.map(\.name).joined(separator: " ") }
    return min(keys.map(Printable.width).max() ?? 0, width / 3)
  }

  /// The rows that the page has on a screen.
  static func height(_ size: Size) -> Int { max(1, Geometry(size, hasNotice: false).body.height) }

  static func draw(_ frame: inout Frame, _ area: Area, of model: Model, top: Int) {
    let lines = lines(of: model)
    let width = keysWidth(area.width)
    for (offset, line) in lines.dropFirst(top).prefix(area.height).enumerated() {
      let row = area.row + offset
      let column = area.column + 1
      if line.isTitle {
        frame.put(line.text, row: row, column: column, width: area.width - 2, role: .title)
      } else {
        frame.put(line.keys, row: row, column: column + 1, width: width, role: .key)
        frame.put(line.text, row: row, column: column + width + 3, width: area.width - width - 5)
      }
    }
    let left = lines.count - top - area.height
    if left > 0, area.height > 1 {
      let row = area.row + area.height - 1
      frame.clear(row: row, column: area.column, width: area.width)
      frame.put(
        "… \(left + 1) more, j reads on", row: row, column: area.column + 1, width: area.width - 2,
        role: .aside)
    }
  }
}

/// The reference page of all keys, `docs/reference/keys.md`, made from the table of commands.
public enum KeysPage {
  public static var markdown: String {
    var text = """
      # Keys of reltui

      Made from the table of commands in `Sources/Dashboard/Commands.swift`; do not edit it here.
      A question is asked before anything is changed, with "No" chosen. `Esc` never quits.

      """
    for group in Command.Group.allCases {
      text += "\n## \(group.rawValue)\n\n| Keys | Where | What it does |\n|---|---|---|\n"
      for command in Command.all where command.group == group {
        let keys = command.keys.map { "`\($0.name)`" }.joined(separator: " ")
        text += "| \(keys) | \(command.place) | \(command.help)\(command.remark) |\n"
      }
    }
    return text
  }
}

extension Command {
  fileprivate var place: String {
    switch context {
    case .views: break
    case .typing: return "text"
    case .choice: return "log level"
    case .question: return context.rawValue
    case .help: return "help page"
    }
    let shown = ViewName.allCases.filter { views.contains($0) }
    return shown.isEmpty ? "everywhere" : shown.map(\.title).joined(separator: ", ")
  }

  fileprivate var remark: String { writes ? " Asks first; absent with `--read-only`." : "" }
}
