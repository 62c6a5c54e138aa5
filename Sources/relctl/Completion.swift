import CommandLine
import ReleaseModel

extension Verb {
  static let completion = Verb(
    Command(
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

  /// Made from the table of commands: commands first, then the options of the command that stands there.
  private static var bash: String {
    let names = Set(all.map { $0.command.name.split(separator: " ")[0] }).sorted().joined(
      separator: " ")
    let options = all.map { verb in
      "    \(verb.command.name.split(separator: " ")[0])) words+=\" \(verb.command.options.map(\.name).joined(separator: " "))\" ;;"
    }
    return """
      _relctl() {
        local words=""
        if [ "$COMP_CWORD" -eq 1 ]; then words="\(names) help"; else
          case "${COMP_WORDS[1]}" in
      \(Array(Set(options)).sorted().joined(separator: "\n"))
          esac
        fi
        COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
        [ -n "${COMPREPLY[*]}" ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
      }
      complete -F _relctl relctl
      """
  }
}
