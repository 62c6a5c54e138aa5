import Posix
import Terminal
import TestSupport
import Testing

/// Texts that a person has checked, kept in files.
enum Golden {
  /// Holds lines against a kept file; with `variable` set, keeps them instead.
  static func expect(
    _ lines: [String], _ path: String, variable: String,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let file = Workspace.root + "/" + path
    let text = lines.joined(separator: "\n") + "\n"
    if Environment.current[variable] != nil {
      try Files.makeFolder(Files.parent(of: file), mode: 0o755)
      try Files.replace(file, with: Array(text.utf8), mode: 0o644)
      return
    }
    let kept = try Files.readIfThere(file).map { String(decoding: $0, as: UTF8.self) }
    if kept == text { return }
    Issue.record(
      """
      \(path) is not what comes out now. If this is right: \
      \(variable)=1 swift test --filter DashboardTests
      kept:
      \(kept ?? "nothing")
      now:
      \(text)
      """, sourceLocation: location)
  }

  static func expect(
    frame lines: [String], _ name: String, location: SourceLocation = #_sourceLocation
  ) throws {
    try expect(
      lines, "Tests/Fixtures/frames/\(name).txt", variable: "UPDATE_GOLDEN", location: location)
  }
}

extension Frame {
  /// The rows as text in which every stretch that is not plain text names its role:
  /// `greeter ⟦ready:ready⟧`. Trailing blanks are kept where they have a role.
  var annotated: [String] {
    (0..<size.rows).map { number in
      let line = row(number).reversed().drop { $0.text == " " && $0.role == .text }
      var text = ""
      var role = Role.text
      for cell in line.reversed() {
        if cell.role != role {
          if role != .text { text += "⟧" }
          role = cell.role
          if role != .text { text += "⟦\(role.rawValue):" }
        }
        text += cell.text
      }
      return role == .text ? text : text + "⟧"
    }
  }
}
