import Events
import TestSupport
import Testing

struct ErrorsReferenceTests {
  @Test func pageMatchesProblemID() throws {
    let rows = ProblemID.allCases.map { problem in
      ReferencePage.row([
        "`\(problem.rawValue)`", problem.meaning, "\(problem.exitCode)", problem.remedy ?? "",
      ])
    }
    let causes = ProblemID.allCases.compactMap { problem in
      problem.details.map { "### `\(problem.rawValue)`\n\n\($0)\n" }
    }
    try ReferencePage.check(
      "errors",
      Self.head + rows.joined() + Self.tail + "\n## Causes\n\n" + causes.joined(separator: "\n"))
  }

  private static let head = """
    # Errors

    <!-- Made by the tests from the code: make docs -->

    A command that fails prints one line with a stable id. Evidence and a remedy may follow it,
    indented. Events and `--json` have the same id in `cause.id`. A remedy in this table is printed
    unless the program knows a better one. The buildpack's `bin/compile`, `test-compile` and `test` end
    with 1 for every failure, as platforms expect, or with 128 plus the number of a signal.

    | id | meaning | exit code | remedy |
    |---|---|---|---|

    """

  private static let tail = """

    ## Exit codes

    | code | meaning |
    |---|---|
    | \(ExitCode.success) | done |
    | \(ExitCode.failed) | it failed |
    | \(ExitCode.usage) | the command line, or a name in it, is invalid |
    | \(ExitCode.badData) | a file is invalid or damaged |
    | \(ExitCode.unavailable) | something that is needed is missing |
    | \(ExitCode.tryAgain) | busy, or full: try again |
    | \(ExitCode.interrupted) | interrupted |

    `relctl eval`, `remote` and `node remote` end with the exit code of the program they ran.

    """
}
