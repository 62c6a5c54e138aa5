import Events
import PlainText
import Posix

/// How a command ended, as a value, before anything is printed or left.
public struct Outcome: Equatable, Sendable {
  public var exitCode: Int32
  /// Lines for standard error.
  public var report: [String]

  public static let success = Outcome(exitCode: ExitCode.success, report: [])

  public init(exitCode: Int32, report: [String] = []) {
    self.exitCode = exitCode
    self.report = report
  }

  /// That of a program that was run in our place; as a shell has it, a signal is 128 and its number.
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
    report += cause.evidence.map {
      "  \(Printable.clean($0.place)): \(Printable.clean($0.text))"
    }
    if let remedy = cause.remedy { report.append("  \(Printable.clean(remedy))") }
  }
}

extension Context {
  /// Runs a program's body to its outcome, prints that and leaves.
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
