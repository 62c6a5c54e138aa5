import Posix
import TestSupport
import Testing

@Suite(.waitsForPrograms) struct CommandsReferenceTests {
  @Test func pageMatchesTheHelp() throws {
    let stage = try Stage("commands")
    let all = try help(stage, [])
    let lines = all.split(separator: "\n").filter { $0.hasPrefix("  ") }
    #expect(lines.count > 10)
    var page = Self.head + Self.block(all)
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      let text = try help(stage, Array(words.prefix(2)))
      let name = Self.name(words, text).joined(separator: " ")
      #expect(
        text.hasPrefix("usage: relctl \(words[0])")
          && page.firstRange(of: "\n## relctl \(name)\n") == nil, "\(line)")
      page += "\n## relctl \(name)\n\n" + Self.block(text)
    }
    try ReferencePage.check("commands", page)
  }

  /// The words that make up a command's name. They are in small letters and appear in the list and
  /// in the usage; in the list a summary follows, in the usage arguments.
  private static func name(_ words: [String], _ help: String) -> [String] {
    let usage = help.split(separator: "\n").first?.split(separator: " ").dropFirst(2) ?? []
    return zip(words, usage).prefix { $0 == $1 && $0.allSatisfy(\.isLowercase) }.map(\.0)
  }

  private func help(_ stage: Stage, _ command: [String]) throws -> String {
    let answer = try stage.run("relctl", command + ["--help"])
    #expect(answer.exit == .code(0) && answer.errors.isEmpty, "\(command)")
    return answer.output
  }

  private static func block(_ text: String) -> String {
    "```\n"
      + text.split(separator: "\n", omittingEmptySubsequences: false).reversed()
      .drop { $0.isEmpty }.reversed().joined(separator: "\n") + "\n```\n"
  }

  private static let head = """
    # Commands

    <!-- Made by the tests from the code: make docs -->

    This is the output of `relctl help` and `relctl COMMAND --help`. `APP/web.1` is one instance of
    an app. The home is `--home`, else `$RELTUI_HOME`, else `/var/lib/reltui` for root, else
    `$XDG_STATE_HOME/reltui` (`~/.local/state/reltui`).

    `--json` prints lists as one array and streams (`logs`, `events`) as one object a line. With
    `--json`, `deploy`, `promote`, `rollback`, `restart`, `scale`, `limits … cpu=1`, `stop` and `config … set` print the
    instances as they are afterwards. Exit codes are listed in [errors](errors.md).


    """
}
