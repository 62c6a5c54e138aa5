import Posix
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
