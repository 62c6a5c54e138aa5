/// A diagnosis of a program's end, from the last lines of its output.
public struct OutputDiagnosis: Sendable {
  public let lines: [String]
  /// The index of the line that says best why the program ended; nil without output.
  public let place: Int?

  /// - Parameter lines: oldest first.
  public init(_ lines: [String]) {
    self.lines = lines.map(Self.withoutBrokenTerm)
    place = Self.tellingLine(self.lines)
  }

  /// The first words of the Erlang term that the VM prints when its boot fails.
  private static let bootTerm = "{\"init terminating in do_boot\""

  /// The VM writes its term in several parts, and Elixir's message may come between two of them, in the same line.
  private static func withoutBrokenTerm(_ line: String) -> String {
    guard line.hasPrefix(bootTerm), !line.hasSuffix("}}"), let message = line.firstRange(of: "** (")
    else { return line }
    return String(line[message.lowerBound...])
  }

  /// Texts that mark the cause of a failed boot, the most specific first. What the VM prints after
  /// them is less specific.
  private static let patterns: [String] = [
    "could not fetch environment variable", "environment variable", "address already in use",
    "eaddrinuse",
    "seems to be in use", "libcrypto.so", "GLIBC_", "cannot open shared object",
    "Exec format error",
    "cannot get bootfile", "load_failed", "unknown flag", "** (", "not found",
    "COOKIE: No such file",
    "[error]", "(EXIT)",
  ]

  /// Lines that occur in every failed boot.
  private static let chatter: [String] = [
    "Crash dump is being written", "Kernel pid terminated", "erl_crash.dump",
    "application_start_failure",
    "Runtime terminating during boot", "init terminating in do_boot",
  ]

  /// Erlang's reasons within such lines that say more than the rest of the output.
  private static let reasons: [String] = [
    "load_failed", "cannot get bootfile", "application_start_failure",
  ]

  /// The last line with the most specific pattern; without one, the last line that is not chatter.
  private static func tellingLine(_ lines: [String]) -> Int? {
    func isTelling(_ line: String) -> Bool {
      !trimmed(line).isEmpty && !chatter.contains { line.contains($0) }
    }
    for pattern in patterns {
      if let place = lines.lastIndex(where: { isTelling($0) && $0.contains(pattern) }) {
        return place
      }
    }
    // The VM prints the reason twice; the second copy lacks the details.
    if let place = lines.firstIndex(where: { $0.hasPrefix(bootTerm) }),
      !lines.contains(where: isTelling)
    {
      return place
    }
    for pattern in reasons {
      if let place = lines.lastIndex(where: { $0.contains(pattern) }) { return place }
    }
    return lines.lastIndex(where: isTelling) ?? lines.lastIndex { !trimmed($0).isEmpty }
  }

  private static func trimmed(_ line: String) -> Substring {
    line.drop { $0.isWhitespace }
  }

  /// The chosen line, unchanged; empty without output.
  public var line: String { place.map { lines[$0] } ?? "" }

  /// The chosen line, trimmed. If it ends in a colon, the next line is added.
  public var words: String? {
    guard let place else { return nil }
    if isCutShort, let words = lines.lazy.compactMap(Self.exception).first { return words }
    let line = String(Self.trimmed(lines[place]))
    let next = lines[(place + 1)...].map { Self.trimmed($0) }.first { !$0.isEmpty }
    guard line.hasSuffix(":"), let next else { return line }
    return "\(line) \(next)"
  }

  /// The indices of the chosen line and the two lines before it.
  public var evidence: Range<Int> {
    guard let place else { return lines.indices }
    return max(0, place - 2)..<place + 1
  }

  /// The environment variable that the release requires and that is not set, as `System.fetch_env!`
  /// or Phoenix's template for `runtime.exs` names it.
  public var missingVariable: String? {
    guard let start = line.firstRange(of: "environment variable ") else { return missingByTerm }
    let rest = line[start.upperBound...]
    let isQuoted = rest.first == "\""
    let name = rest.dropFirst(isQuoted ? 1 : 0).prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    guard let first = name.first, !first.isNumber, isQuoted || name.allSatisfy({ !$0.isLowercase })
    else { return nil }
    return String(name)
  }

  /// The variable as the VM prints it in an Erlang term. Elixir's message is lost if the VM ends before it is written.
  private var missingByTerm: String? {
    for line in lines {
      guard let error = line.firstRange(of: "'Elixir.System.EnvError'"),
        let start = line[error.upperBound...].firstRange(of: "env=><<\""),
        let end = line[start.upperBound...].firstIndex(of: "\"")
      else { continue }
      return String(line[start.upperBound..<end])
    }
    return nil
  }

  /// The Elixir exception in the VM's Erlang term, such as `** (RuntimeError) no phrases`.
  private static func exception(in line: String) -> String? {
    guard line.contains("init terminating in do_boot"),
      let type = line.firstRange(of: "'__struct__'=>'Elixir."),
      let typeEnd = line[type.upperBound...].firstIndex(of: "'"),
      let start = ["message=><<\"", "description=><<\""].lazy.compactMap({
        line[typeEnd...].firstRange(of: $0)
      }).first,
      let end = line[start.upperBound...].firstRange(of: "\">>")
    else { return nil }
    let message = line[start.upperBound..<end.lowerBound].replacing("\\\"", with: "\"")
    return "** (\(line[type.upperBound..<typeEnd])) \(message)"
  }

  /// Whether the VM may have ended before Elixir's message or the head of its own was written; then
  /// only a stack in an Erlang term is left.
  public var isCutShort: Bool {
    lines.contains {
      $0.contains("init terminating in do_boot") || $0.contains("[{'Elixir.")
        || $0.contains("{Elixir.")
    }
      && !lines.contains { $0.contains("** (") }
  }

  /// Whether another program holds the port that the program tried to listen on.
  public var wantsTakenPort: Bool {
    line.contains("eaddrinuse") || line.contains("address already in use")
  }

  /// The application that failed to start, if the node named it.
  public var failedApplication: String? {
    for line in lines.reversed() {
      for (before, after) in [("{application_start_failure,", ","), ("Application ", " exited:")] {
        guard let start = line.firstRange(of: before),
          let end = line[start.upperBound...].firstRange(of: after)
        else { continue }
        let name = line[start.upperBound..<end.lowerBound]
        if !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) {
          return String(name)
        }
      }
    }
    return nil
  }
}
