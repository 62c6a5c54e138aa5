/// One of the commands in a process type's line. It is parsed with a small subset of a shell's rules.
public struct ProcessCommand: Hashable, Sendable {
  /// The command as it is written, with its quotes and one space between words.
  public let text: String
  public private(set) var assignments: [String] = []
  /// The program, then its arguments, without quotes and brackets.
  public private(set) var words: [String] = []

  /// Whether the shell ends with it (`exec`), or it is a release that serves: what stands behind it runs at its end, or
  /// never.
  public var endsLine: Bool {
    let verbs = ["start", "start_iex", "foreground", "console", "console_clean"]
    return isExec || ownProgram != nil && words.count > 1 && verbs.contains(words[1])
  }
  private var isExec = false

  /// Whether it runs no other program and redirects nothing.
  public var isSimple: Bool { !text.contains { "<>()`".contains($0) } }

  /// Whether it only sets variables for the next commands: `export A=1`, `A=1`.
  public var isSetting: Bool {
    isSimple
      && (words.isEmpty
        || words.first == "export" && words.dropFirst().allSatisfy(Self.isAssignment))
  }

  public var program: String {
    let word = words.first ?? ""
    return word.hasPrefix("./") ? String(word.dropFirst(2)) : word
  }

  /// NAME of a program `bin/NAME`; nil for another program.
  public var ownProgram: String? {
    guard program.hasPrefix("bin/"), Manifest.isInside(program) else { return nil }
    return String(program.dropFirst(4))
  }

  /// All commands of a line, also inside `sh -c '…'`: `A=1 bin/migrate && exec env B=2 bin/app start` has two.
  public static func all(in line: String) -> [ProcessCommand] {
    segments(of: line).flatMap { parts in
      let command = ProcessCommand(parts)
      guard ["sh", "bash"].contains(command.program), command.words.count > 2,
        command.words[1].hasPrefix("-"), command.words[1].hasSuffix("c")
      else { return [command] }
      // The line in quotes is shorter, so the recursion ends.
      return all(in: command.words[2])
    }
  }

  private init(_ parts: [String]) {
    text = parts.joined(separator: " ")
    var rest = parts.map(Self.plain).filter { !$0.isEmpty }[...]
    while let word = rest.first {
      if Self.isAssignment(word) {
        assignments.append(word)
      } else if word != "exec" && word != "env" {
        break
      }
      isExec = isExec || word == "exec"
      rest = rest.dropFirst()
    }
    words = Array(rest)
  }

  /// A word without quotes, and without the brackets of a subshell around it.
  private static func plain(_ word: String) -> String {
    var word = word.filter { !"\"'".contains($0) }.drop { $0 == "(" }
    while word.last == ")", !word.contains("(") { word.removeLast() }
    return String(word)
  }

  private static func isAssignment(_ word: String) -> Bool {
    guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return false }
    return word[..<equals].allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
  }

  /// Splits a line into commands as a shell does, and each command into its words with their quotes.
  private static func segments(of line: String) -> [[String]] {
    var segments = [[""]]
    var quote: Character?
    var (isEscaped, isComment) = (false, false)
    for character in line {
      let isBare = quote == nil && !isEscaped
      let last = segments.count - 1
      if isComment {
        if character != "\n" { continue }
        isComment = false
      }
      if isBare, character == "#", segments[last].last == "" {
        isComment = true
        continue
      }
      if isBare, ";&|\n".contains(character) {
        segments.append([""])
      } else if isBare, character.isWhitespace {
        segments[last].append("")
      } else {
        segments[last][segments[last].count - 1].append(character)
      }
      if isEscaped {
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, character == "'" || character == "\"" {
        quote = character
      }
    }
    return segments.map { $0.filter { !$0.isEmpty } }.filter { !$0.isEmpty }
  }
}

extension ProcessCommand {
  /// What a shell runs itself, and words of its grammar (POSIX, "Shell Command Language").
  static let shellWords: Set<String> = [
    ".", ":", "!", "[", "[[", "{", "}", "alias", "bg", "break", "case", "cd", "chdir", "command",
    "continue",
    "do", "done", "echo", "elif", "else", "esac", "eval", "exec", "exit", "export", "false", "fg",
    "fi", "for", "function", "getopts", "hash", "if", "in", "jobs", "kill", "local", "printf",
    "pwd",
    "read", "readonly", "return", "set", "shift", "source", "test", "then", "times", "trap", "true",
    "type", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
  ]

  /// Words that decide whether the rest of a line runs, or from which folder.
  static let conditions: Set<String> = [
    "cd", "chdir", "[", "[[", "test", "if", "case", "while", "until", "for", "{", "!", "command",
  ]
}

extension ProcessCommand {
  /// Whether a byte of a name means itself to a shell.
  static func isPlain(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || "-_./".utf8.contains(byte)
  }
}

extension [ProcessCommand] {
  /// The commands up to the one that ends the line.
  var throughEnd: ArraySlice<ProcessCommand> {
    prefix((firstIndex(where: \.endsLine) ?? count - 1) + 1)
  }
}

extension Procfile.Entry {
  /// The programs `bin/NAME` that the process type starts. Lines with a condition or with `cd` are not judged, because
  /// they may be right.
  public var ownPrograms: [String] {
    let commands = ProcessCommand.all(in: command)
    if commands.contains(where: { ProcessCommand.conditions.contains($0.program) }) { return [] }
    return commands.throughEnd.filter {
      $0.ownProgram?.utf8.allSatisfy(ProcessCommand.isPlain) == true
    }
    .map(\.program)
  }

  /// Whether the process type ends if one of its commands cannot be started: nothing but `&&` is between them.
  public var needsEachCommand: Bool {
    !command.replacing("&&", with: "").contains { ";&|`\n<>()".contains($0) }
  }
}

extension ProcessCommand {
  /// The part of a line that only starts a release, with the variables that are set before it: the second half of
  /// `bin/migrate && A=1 exec bin/app start`.
  /// - Parameter server: the path of the release's `bin/server`.
  public static func start(of release: OTPRelease, server: String, in line: String) -> String? {
    let commands = all(in: line)
    let place = commands.firstIndex { command in
      command.isSimple
        && (command.program == server && command.words.count == 1
          || command.program == release.startCommand
            && command.words.dropFirst().elementsEqual([release.startArgument]))
    }
    guard let place else { return nil }
    return (commands[..<place].filter(\.isSetting) + [commands[place]]).map(\.text)
      .joined(separator: " && ")
  }
}
