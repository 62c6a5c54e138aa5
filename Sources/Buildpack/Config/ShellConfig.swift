import Events

/// The assignments in a file of shell syntax, read as data: nothing is run and nothing is expanded.
///
/// It understands `KEY=VALUE` with either kind of quotes, `export KEY=VALUE`, `KEY=(A B)`, comments and continued lines.
/// It refuses commands, because their effect cannot be known.
struct ShellConfig {
  struct Assignment: Hashable {
    var key: String
    /// Without the quotes. Expansions are kept as they are written.
    var value: String
    var isArray: Bool
    /// The beginning of the first expansion, if there is one.
    var expansion: String?
    var place: FilePlace
  }

  /// In the order of the file. If a key occurs again, the last one counts.
  let assignments: [Assignment]

  init(_ bytes: [UInt8], file: String) throws(Cause) {
    var scanner = ShellScanner(bytes: try BuildFile.check(bytes, file: file), file: file)
    var assignments: [Assignment] = []
    /// The line on which the last assignment ended. A word on it is a value without quotes, not a command.
    var assignedLine: Int?
    while scanner.skipToWord() {
      let place = scanner.place
      let name = scanner.name()
      if name == "export", scanner.isAtBlank { continue }
      guard !name.isEmpty, scanner.take(UInt8(ascii: "=")) else {
        if !name.isEmpty, scanner.isAtEndOfWord, assignedLine != place.line, scanner.isExported {
          continue
        }
        throw Self.command(at: place, afterValue: assignedLine == place.line)
      }
      let value = try scanner.value()
      assignments.append(
        Assignment(
          key: name, value: String(decoding: value.bytes, as: UTF8.self), isArray: value.isArray,
          expansion: value.expansion.map { String(decoding: $0, as: UTF8.self) }, place: place))
      assignedLine = scanner.place.line
    }
    self.assignments = assignments
  }

  private static func command(at place: FilePlace, afterValue: Bool) -> Cause {
    afterValue
      ? place.refusal(
        "something follows the value, which makes it a command",
        remedy: "Quote a value that has spaces: KEY=\"A B\"")
      : place.refusal(
        "it is not KEY=VALUE: this file is read, not run",
        remedy: "Write the values themselves. A command can be a hook.")
  }
}
