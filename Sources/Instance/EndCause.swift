import Posix
import ReleaseModel

/// Names the cause of a run's end from how it ended and what it said last.
public enum EndCause {
  /// - Parameter wasReady: whether it had been ready before.
  public static func of(
    _ run: Board.Run, app: String, status: RunStatus?, lines: [LogLine], wasReady: Bool
  ) -> Cause {
    let id: ProblemID =
      run.instance.process == ProcessType.release ? .releasePhase : wasReady ? .crashed : .bootFailed
    let texts = lines.map(\.text)
    let telling = tellingLine(texts)
    let ending = self.ending(status)
    let what = "\(run.instance) of \(run.release) \(ending)"
    let sentence = telling.map { "\(what): \(String($0.prefix(300)))" } ?? "\(what) and said nothing"
    let evidence = lines.suffix(5).map {
      Cause.Evidence(kind: "log", place: "\(run.instance) \($0.time)", text: String($0.text.prefix(500)))
    }
    var facts = ["ending": ending]
    if let port = run.port { facts["port"] = String(port) }
    return Cause(id, sentence, remedy: remedy(telling ?? "", app), facts: facts, evidence: evidence)
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
    "could not fetch environment variable", "environment variable", "address already in use", ":eaddrinuse",
    "seems to be in use", "libcrypto.so", "GLIBC_", "cannot open shared object", "Exec format error",
    "cannot get bootfile", "load_failed", "unknown flag", "** (", "not found", "COOKIE: No such file",
    "[error]", "(EXIT)",
  ]

  /// Lines that come with every failed boot and say nothing about this one.
  private static let chatter: [String] = [
    "Crash dump is being written", "Kernel pid terminated", "erl_crash.dump", "application_start_failure",
    "Runtime terminating during boot", "init terminating in do_boot",
  ]

  /// The line a person would point at: the last one of the most telling kind, else the last that is no chatter.
  static func tellingLine(_ lines: [String]) -> String? {
    let candidates = lines.map(trimmed).filter { line in
      !line.isEmpty && !chatter.contains { line.contains($0) }
    }
    for pattern in patterns {
      if let line = candidates.last(where: { $0.contains(pattern) }) { return line }
    }
    return candidates.last ?? lines.map(trimmed).last { !$0.isEmpty }
  }

  private static func trimmed(_ line: String) -> String {
    String(line.drop { $0 == " " || $0 == "\t" })
  }

  private static func remedy(_ line: String, _ app: String) -> String? {
    if line.contains("could not fetch environment variable"), let name = quoted(in: line) {
      return "Set it: relctl config \(app) set \(name)=…"
    }
    if line.contains("eaddrinuse") || line.contains("address already in use") {
      return "Listen on the port in the environment variable PORT."
    }
    return "Read its last lines: relctl logs \(app)"
  }

  private static func quoted(in line: String) -> Substring? {
    let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
    return parts.count > 2 ? parts[1] : nil
  }
}
