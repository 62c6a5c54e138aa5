import Events

/// The assignments in a file of shell syntax, read as data: nothing is run and nothing is expanded.
///
/// `KEY=VALUE` with either kind of quotes, `export KEY=VALUE`, `KEY=(A B)`, comments and continued lines. A command has
/// no meaning in such a file and is refused: what it would have changed cannot be known.
struct ShellConfig {
  struct Assignment: Hashable {
    var key: String
    /// Without the quotes. What the shell would expand stands here as it was written.
    var value: String
    var isArray: Bool
    /// The beginning of what the shell would expand, if there is any.
    var expansion: String?
    var place: FilePlace
  }

  /// In the order of the file; of several with one key the last counts.
  let assignments: [Assignment]

  init(_ bytes: [UInt8], file: String) throws(Cause) {
    var scanner = ShellScanner(bytes: try BuildFile.check(bytes, file: file), file: file)
    var assignments: [Assignment] = []
    /// Where an assignment ended, to tell a value that wants quotes from a command.
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
        "it is no KEY=VALUE: this file is read, not run",
        remedy: "Write the values themselves; what must be run can be a hook.")
  }
}
