import Events

/// The process types of a Procfile and their commands. Source: Heroku, "The Procfile".
public struct Procfile: Hashable, Sendable {
  public struct Entry: Hashable, Codable, Sendable {
    public var process: String
    public var command: String

    public init(process: String, command: String) {
      (self.process, self.command) = (process, command)
    }
  }

  public var entries: [Entry]

  public init(entries: [Entry]) { self.entries = entries }

  /// Reads `process: command` lines; empty lines and comments are skipped.
  /// - Throws: a cause naming the first line that is neither, or that names a process type twice.
  public init(text: String) throws(Cause) {
    var entries: [Entry] = []
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = raw.trimmed
      if line.isEmpty || line.hasPrefix("#") { continue }
      func refuse(_ reason: String) -> Cause {
        Cause(
          .procfileFormat, "Procfile:\(index + 1): \(reason)",
          remedy: "Write one process type a line, such as: web: bin/myapp start",
          facts: ["line": String(index + 1)])
      }
      guard let colon = line.firstIndex(of: ":") else {
        throw refuse("there is no ':' between process type and command")
      }
      let process = String(line[..<colon].trimmed)
      let command = String(line[line.index(after: colon)...].trimmed)
      guard ProcessType.isValid(process) else { throw refuse("that is no process type's name") }
      guard !command.isEmpty else { throw refuse("'\(process)' has no command") }
      guard !entries.contains(where: { $0.process == process }) else {
        throw refuse("'\(process)' stands here a second time")
      }
      entries.append(Entry(process: process, command: command))
    }
    self.entries = entries
  }
}

extension Substring {
  /// Without blanks at both ends.
  var trimmed: Substring {
    let front = drop { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }
    guard let last = front.lastIndex(where: { !" \t\r".contains($0) && $0 != "\r\n" }) else {
      return ""
    }
    return front[...last]
  }
}
