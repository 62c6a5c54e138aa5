/// The end of a program's output, read for why the program ended.
public struct OutputDiagnosis: Sendable {
  public let lines: [String]
  /// The place of the line a person would point at; nil where nothing was said.
  public let place: Int?

  /// - Parameter lines: oldest first.
  public init(_ lines: [String]) {
    (self.lines, place) = (lines, Self.tellingLine(lines))
  }

  /// What boot failures look like, the most telling first. What the VM prints after them says less.
  private static let patterns: [String] = [
    "could not fetch environment variable", "environment variable", "address already in use",
    "eaddrinuse",
    "seems to be in use", "libcrypto.so", "GLIBC_", "cannot open shared object",
    "Exec format error",
    "cannot get bootfile", "load_failed", "unknown flag", "** (", "not found",
    "COOKIE: No such file",
    "[error]", "(EXIT)",
  ]

  /// Lines that come with every failed boot and say nothing about this one.
  private static let chatter: [String] = [
    "Crash dump is being written", "Kernel pid terminated", "erl_crash.dump",
    "application_start_failure",
    "Runtime terminating during boot", "init terminating in do_boot",
  ]

  /// Reasons in Erlang's words, within lines of chatter, that say more than the rest of the output.
  private static let reasons: [String] = [
    "load_failed", "cannot get bootfile", "application_start_failure",
  ]

  /// The last line of the most telling kind, else the last that is no chatter.
  private static func tellingLine(_ lines: [String]) -> Int? {
    func isTelling(_ line: String) -> Bool {
      !trimmed(line).isEmpty && !chatter.contains { line.contains($0) }
    }
    for pattern in patterns {
      if let place = lines.lastIndex(where: { isTelling($0) && $0.contains(pattern) }) {
        return place
      }
    }
    // Told twice, the second time without what it is about.
    if let place = lines.firstIndex(where: { $0.hasPrefix("{\"init terminating in do_boot\"") }),
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

  /// The telling line as it is; empty where there is none.
  public var line: String { place.map { lines[$0] } ?? "" }

  /// The telling line's words; where it only announces what is wrong, with a colon at its end, the next one's too.
  public var words: String? {
    guard let place else { return nil }
    if isCutShort, let words = lines.lazy.compactMap(Self.exception).first { return words }
    let line = String(Self.trimmed(lines[place]))
    let next = lines[(place + 1)...].map { Self.trimmed($0) }.first { !$0.isEmpty }
    guard line.hasSuffix(":"), let next else { return line }
    return "\(line) \(next)"
  }

  /// The places of the telling line and the two before it.
  public var evidence: Range<Int> {
    guard let place else { return lines.indices }
    return max(0, place - 2)..<place + 1
  }

  /// The environment variable that the release reads and that is not set, as `System.fetch_env!` says it, or Phoenix's template
  /// for `runtime.exs`.
  public var missingVariable: String? {
    guard let start = line.firstRange(of: "environment variable ") else { return missingByTerm }
    let rest = line[start.upperBound...]
    let isQuoted = rest.first == "\""
    let name = rest.dropFirst(isQuoted ? 1 : 0).prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    guard let first = name.first, !first.isNumber, isQuoted || name.allSatisfy({ !$0.isLowercase })
    else { return nil }
    return String(name)
  }

  /// The same in the VM's own words: Elixir's are lost where the VM ends before they are written.
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

  /// `** (RuntimeError) no phrases` out of the VM's own words for it.
  private static func exception(in line: String) -> String? {
    guard line.contains("init terminating in do_boot"),
      let type = line.firstRange(of: "'__struct__'=>'Elixir."),
      let typeEnd = line[type.upperBound...].firstIndex(of: "'"),
      let start = line[typeEnd...].firstRange(of: "message=><<\""),
      let end = line[start.upperBound...].firstRange(of: "\">>")
    else { return nil }
    let message = line[start.upperBound..<end.lowerBound].replacing("\\\"", with: "\"")
    return "** (\(line[type.upperBound..<typeEnd])) \(message)"
  }

  /// Whether the VM ended so soon that Elixir's words on why may be lost, or the head of its own: a stack as a term is
  /// all that is left then.
  public var isCutShort: Bool {
    lines.contains { $0.contains("init terminating in do_boot") || $0.contains("[{'Elixir.") }
      && !lines.contains { $0.contains("** (") }
  }

  /// Whether another program has the port that it tried to listen on.
  public var wantsTakenPort: Bool {
    line.contains("eaddrinuse") || line.contains("address already in use")
  }

  /// The application that did not start, where the node said so.
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
