import Events
import PlainText
import Posix

/// The end of a command as a value: its exit code and its messages, before they are printed.
public struct Outcome: Equatable, Sendable {
  public var exitCode: Int32
  /// Lines for standard error.
  public var report: [String]

  public static let success = Outcome(exitCode: ExitCode.success, report: [])

  public init(exitCode: Int32, report: [String] = []) {
    (self.exitCode, self.report) = (exitCode, report)
  }

  /// The outcome of a program that the command has run. A signal's exit code is 128 plus its number, as in a shell.
  public init(_ exit: Exit) {
    switch exit {
    case .code(let code): self.init(exitCode: code)
    case .signal(let signal): self.init(exitCode: signal.exitCode)
    }
  }

  /// ```
  /// relctl: there is no app 'blog' [RT-APP-UNKNOWN]
  ///   See the apps with: relctl ps
  /// ```
  public init(_ cause: Cause, program: String) {
    exitCode = cause.exitCode
    report = ["\(program): \(Printable.clean(cause.sentence)) [\(cause.id)]"]
    if let remedy = cause.remedy { report.append("  \(Printable.clean(remedy))") }
    for evidence in cause.evidence { report += Self.lines(of: evidence) }
  }

  /// The most lines that are shown of a record; the log has all of it.
  private static let mostLines = 8

  private static func lines(of evidence: Cause.Evidence) -> [String] {
    let lines = evidence.text.split(separator: "\n").map { Printable.clean(String($0)) }
    let place = Printable.clean(evidence.place)
    if lines.count == 1 { return ["  \(place): \(lines[0])"] }
    let more = lines.count - mostLines
    return ["  \(place):"] + lines.prefix(mostLines).map { "    \($0)" }
      + (more > 0 ? ["    … and \(more) more \(more == 1 ? "line" : "lines")"] : [])
  }
}

extension Context {
  public func run(_ body: () throws(Cause) -> Outcome) -> Never {
    Signals.turnWriteFailuresIntoErrors()
    let outcome: Outcome
    do throws(Cause) { outcome = try body() } catch {
      outcome = Outcome(error, program: program)
    }
    for line in outcome.report { note(line) }
    Program.exit(outcome.exitCode)
  }
}
