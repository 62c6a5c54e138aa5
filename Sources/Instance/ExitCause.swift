import Events
import HomeLayout
import Posix

/// The cause of a run's end, from its exit and the end of its output.
public enum ExitCause {
  /// - Parameter wasReady: whether the run was ever ready.
  public static func of(
    _ run: Board.Run, app: String, status: RunStatus?, lines: [LogLine], wasReady: Bool
  ) -> Cause {
    let id: ProblemID =
      run.instance.process == ProcessType.release
      ? .releasePhase : wasReady ? .crashed : .bootFailed
    let last = OutputDiagnosis(lines.map(\.text))
    // The output of a killed program does not say why it was killed.
    let words = status?.exit == .signal(Signal.kill.rawValue) ? nil : last.words
    let ending = self.ending(status)
    let what = "\(run.instance) of \(run.release) \(ending)"
    let sentence =
      words.map { "\(what): \($0.prefix(300))" }
      ?? (lines.isEmpty ? "\(what) and said nothing" : what)
    let telling = words == nil ? lines.suffix(3) : lines[last.evidence]
    let evidence = telling.map {
      Cause.Evidence(
        kind: "log", place: "\(run.instance) \($0.time)", text: String($0.text.prefix(300)))
    }
    var facts = ["ending": ending]
    if let port = run.port { facts["port"] = String(port) }
    return Cause(
      id, sentence, remedy: remedy(words == nil ? nil : last, status, run, app), facts: facts,
      evidence: evidence)
  }

  static func ending(_ status: RunStatus?) -> String { ending(status?.exit) }

  /// The exit in words: `ended with exit code 1`; nil if the process left no status.
  public static func ending(_ exit: RunStatus.Exit?) -> String {
    switch exit {
    case .code(let code): "ended with exit code \(code)"
    case .signal(Signal.kill.rawValue): "was killed (SIGKILL)"
    case .signal(let signal): "was ended by signal \(signal)"
    case .notStarted(let errno): "could not be started (\(Errno(rawValue: errno)))"
    case nil: "is gone"
    }
  }

  private static func remedy(
    _ last: OutputDiagnosis?, _ status: RunStatus?, _ run: Board.Run, _ app: String
  ) -> String? {
    if status?.exit == .signal(Signal.kill.rawValue) { return killedRemedy }
    if let name = last?.missingVariable {
      return "Set it (relctl config \(app) set \(name) reads the value), then deploy again."
    }
    if last?.wantsTakenPort == true {
      return "Listen on the port in the environment variable PORT."
    }
    return "Read its last lines: relctl logs \(app)/\(run.instance)"
  }

  /// The remedy for a run that another program killed.
  public static let killedRemedy =
    "If the kernel killed it because memory ran out, this shows it: dmesg | grep -i oom"
}
