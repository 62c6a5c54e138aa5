import Posix
import ReleaseModel

/// Names the cause of a run's end from how it ended and what it said last.
public enum EndCause {
  /// - Parameter wasReady: whether it had been ready before.
  public static func of(
    _ run: Board.Run, app: String, status: RunStatus?, lines: [LogLine], wasReady: Bool
  ) -> Cause {
    let id: ProblemID =
      run.instance.process == ProcessType.release
      ? .releasePhase : wasReady ? .crashed : .bootFailed
    // Who is killed from outside has not said why.
    let telling = status?.exit == .signal(9) ? nil : tellingLine(lines.map(\.text))
    let ending = self.ending(status)
    let what = "\(run.instance) of \(run.release) \(ending)"
    let sentence =
      telling.map { "\(what): \(words(at: $0, lines).prefix(300))" }
      ?? (lines.isEmpty ? "\(what) and said nothing" : what)
    let evidence = evidence(around: telling, lines).map {
      Cause.Evidence(
        kind: "log", place: "\(run.instance) \($0.time)", text: String($0.text.prefix(300)))
    }
    var facts = ["ending": ending]
    if let port = run.port { facts["port"] = String(port) }
    return Cause(
      id, sentence, remedy: remedy(telling.map { lines[$0].text } ?? "", status, run, app),
      facts: facts,
      evidence: evidence)
  }

  static func ending(_ status: RunStatus?) -> String {
    switch status?.exit {
    case .code(let code): "ended with exit code \(code)"
    case .signal(9): "was killed (SIGKILL)"
    case .signal(let signal): "was ended by signal \(signal)"
    case .notStarted(let errno): "could not be started (\(Errno(rawValue: errno)))"
    case nil: "is gone"
    }
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

  /// What stands in a line of chatter and says more than whatever else was printed, in Erlang's words.
  private static let reasons: [String] = [
    "load_failed", "cannot get bootfile", "application_start_failure",
  ]

  /// The place of the line a person would point at: the last one of the most telling kind, else the last that is no chatter.
  static func tellingLine(_ lines: [String]) -> Int? {
    func isTelling(_ line: String) -> Bool {
      !trimmed(line).isEmpty && !chatter.contains { line.contains($0) }
    }
    for pattern in patterns {
      if let place = lines.lastIndex(where: { isTelling($0) && $0.contains(pattern) }) {
        return place
      }
    }
    for pattern in reasons {
      if let place = lines.lastIndex(where: { $0.contains(pattern) }) { return place }
    }
    return lines.lastIndex(where: isTelling) ?? lines.lastIndex { !trimmed($0).isEmpty }
  }

  /// The telling line; where it only announces what is wrong, with a colon at its end, the next one too.
  private static func words(at place: Int, _ lines: [LogLine]) -> String {
    let line = String(trimmed(lines[place].text))
    let next = lines[(place + 1)...].map { trimmed($0.text) }.first { !$0.isEmpty }
    guard line.hasSuffix(":"), let next else { return line }
    return "\(line) \(next)"
  }

  /// The telling line with the two before it, or the last ones where none tells.
  private static func evidence(around telling: Int?, _ lines: [LogLine]) -> ArraySlice<LogLine> {
    guard let telling else { return lines.suffix(3) }
    return lines[max(0, telling - 2)...telling]
  }

  private static func trimmed(_ line: String) -> Substring {
    line.drop { $0.isWhitespace }
  }

  private static func remedy(
    _ line: String, _ status: RunStatus?, _ run: Board.Run, _ app: String
  ) -> String? {
    if status?.exit == .signal(9) {
      return "If the kernel ended it for want of memory, this says so: dmesg | grep -i oom"
    }
    if line.contains("could not fetch environment variable"), let name = quoted(in: line) {
      return "Set it (relctl config \(app) set \(name) reads the value), then deploy again."
    }
    if line.contains("eaddrinuse") || line.contains("address already in use") {
      return "Listen on the port in the environment variable PORT."
    }
    return "Read its last lines: relctl logs \(app)/\(run.instance)"
  }

  private static func quoted(in line: String) -> Substring? {
    let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
    return parts.count > 2 ? parts[1] : nil
  }
}
