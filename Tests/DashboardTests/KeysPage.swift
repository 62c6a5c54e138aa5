import Terminal

@testable import Dashboard

/// The reference page of all keys, `docs/reference/keys.md`, made from the table of commands.
enum KeysPage {
  static var markdown: String {
    var text = """
      # Keys of reltui

      Made from the table of commands in `Sources/Dashboard/KeyCommand.swift`; do not edit it here.
      Before anything is changed a question is asked, with "No" focused. `Esc` never quits.

      """
    for group in KeyCommand.Group.allCases {
      text += "\n## \(group.rawValue)\n\n| Keys | Where | What it does |\n|---|---|---|\n"
      for command in KeyCommand.all where command.group == group {
        let keys = command.keys.map { "`\($0.name)`" }.joined(separator: " ")
        text += "| \(keys) | \(command.location) | \(command.help)\(command.remark) |\n"
      }
    }
    return text
  }
}

extension KeyCommand {
  fileprivate var location: String {
    switch group {
    case .act, .show, .move: break
    case .typing: return "text"
    case .choice: return "log level"
    case .question: return "question"
    case .help: return "help page"
    }
    let shown = ViewName.allCases.filter { views.contains($0) }
    return shown.isEmpty ? "everywhere" : shown.map(\.title).joined(separator: ", ")
  }

  fileprivate var remark: String { writes ? " Asks first; absent with `--read-only`." : "" }
}
