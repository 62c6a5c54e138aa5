import CommandLine
import Events

extension Command {
  static let completion = Command(
    CommandSyntax(
      "completion", "bash", count: 1...1, "print a completion script for a shell",
      details: "Use it with: source <(relctl completion bash)")
  ) { call throws(Cause) in
    guard call.positional(0) == "bash" else {
      throw Cause(
        .usage, "there is no completion for '\(call.positional(0))'",
        remedy: "There is one for: bash")
    }
    call.context.print(bash)
    return .success
  }

  /// The completion script, made from the table of commands. It offers the first words, then the second words and the
  /// options of the typed command.
  private static var bash: String {
    let names = all.map { $0.syntax.name.split(separator: " ").map(String.init) }
    let firsts = Set(names.map { $0[0] }).sorted()
    let pairs = all.filter { $0.syntax.name.contains(" ") }.map {
      branch("\"\($0.syntax.name)\"", $0.syntax.options.map(\.name))
    }
    let rest = firsts.map { first in
      let seconds = names.filter { $0.count > 1 && $0[0] == first }.map { $0[1] }
      let own = all.first { $0.syntax.name == first }?.syntax.options.map(\.name)
      return branch("\"\(first) \"*", seconds + (own ?? []))
    }
    return """
      _relctl() {
        local words=""
        if [ "$COMP_CWORD" -eq 1 ]; then words="\(firsts.joined(separator: " ")) help"; else
          case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
      \((pairs + rest).joined(separator: "\n"))
          esac
        fi
        COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
        [ -n "${COMPREPLY[*]}" ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
      }
      complete -F _relctl relctl
      """
  }

  private static func branch(_ pattern: String, _ words: [String]) -> String {
    "    \(pattern)) words=\"\(words.joined(separator: " "))\" ;;"
  }
}
