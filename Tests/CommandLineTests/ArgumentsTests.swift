import Events
import Testing

@testable import CommandLine

struct ArgumentsTests {
  static let command = CommandSyntax(
    "logs", "APP", count: 1...2, "show",
    options: [
      Option("--follow", short: "-f", "go on"),
      Option("--lines", short: "-n", value: "N", "how many"),
    ])

  @Test(
    arguments: [
      (["a"], ["a"], [:], []),
      (["a", "-f", "-n", "5"], ["a"], ["--lines": "5"], ["--follow"]),
      (["--lines=5", "a", "b"], ["a", "b"], ["--lines": "5"], []),
      (["a", "--lines="], ["a"], ["--lines": ""], []),
      (["a", "-f", "--", "-n"], ["a", "-n"], [:], ["--follow"]),
      (["--", "--", "--help"], ["--", "--help"], [:], []),
      (["-"], ["-"], [:], []),
      (["--help"], [], [:], ["--help"]),
    ] as [([String], [String], [String: String], Set<String>)])
  func reads(
    _ words: [String], _ positional: [String], _ values: [String: String], _ switches: Set<String>
  ) throws {
    let arguments = try Arguments(words, for: Self.command, program: "relctl")
    #expect(arguments.positional == positional && arguments.values == values)
    #expect(arguments.switches == switches)
  }

  @Test(
    arguments: [
      ([], "'logs' needs APP"),
      (["a", "b", "c"], "'c' is one argument too many"),
      (["a", "--folow"], "unknown option '--folow'; did you mean '--follow'?"),
      (["a", "--zzzzzz"], "unknown option '--zzzzzz'"),
      (["a", "--follow=yes"], "'--follow' takes no value"),
      (["a", "-n"], "'-n' needs a value"),
    ] as [([String], String)])
  func refuses(_ words: [String], _ sentence: String) {
    let cause = #expect(throws: Cause.self) {
      try Arguments(words, for: Self.command, program: "relctl")
    }
    #expect(cause?.sentence == sentence && cause?.exitCode == 64)
    #expect(cause?.remedy == "usage: relctl logs APP [options]")
  }

  @Test func helpShowsWhatIsParsed() {
    let help = Self.command.help(program: "relctl")
    #expect(help.hasPrefix("usage: relctl logs APP [options]\n\nshow\n"))
    #expect(help.contains("  -n, --lines N  how many\n") && help.contains("--home DIR"))
  }
}

struct OutcomeTests {
  @Test func aCauseIsOneLineWithItsIdAndARemedy() {
    let cause = Cause(
      .appUnknown, "there is no app 'x\u{1B}[2J'",
      evidence: [Cause.Evidence(kind: "log", place: "web.1", text: "two\nlines")])
    let outcome = Outcome(cause, program: "relctl")
    #expect(outcome.exitCode == 69)
    #expect(
      outcome.report == [
        "relctl: there is no app 'x\u{FFFD}[2J' [RT-APP-UNKNOWN]",
        "  See the apps with: relctl ps", "  web.1:", "    two", "    lines",
      ])
  }

  @Test func aProgramsExitIsPassedOn() {
    #expect([Outcome(.code(3)), Outcome(.signal(.kill))].map(\.exitCode) == [3, 137])
  }

  @Test func columnsAreAlignedAndNothingTrails() {
    let text = Table.render([["APP", "STATE", "X"], ["greeter", "", ""], ["a", "ready", "y"]])
    #expect(text == "APP      STATE  X\ngreeter\na        ready  y\n")
  }
}
