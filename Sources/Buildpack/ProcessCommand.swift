/// One command of a process type, as far as a shell's rules need to be known: what it runs, with what.
struct ProcessCommand: Hashable {
  /// Assignments before the program, as `env` and shells take them.
  var assignments: [String]
  /// The program, then its arguments, without quotes.
  var words: [String]

  var program: String {
    let word = words.first ?? ""
    return word.hasPrefix("./") ? String(word.dropFirst(2)) : word
  }

  /// The name in `bin/NAME`; nil for another program.
  var ownProgram: String? {
    guard program.hasPrefix("bin/"), Manifest.isInside(program) else { return nil }
    return String(program.dropFirst(4))
  }

  /// All commands of a line: `A=1 bin/migrate && exec env B=2 bin/app start` has two.
  static func all(in line: String) -> [ProcessCommand] {
    line.split { ";&|()\n".contains($0) }.compactMap { part in
      let words = part.split(whereSeparator: \.isWhitespace).map { word in
        word.filter { !"\"'".contains($0) }
      }.filter { !$0.isEmpty }
      return command(words[...])
    }
  }

  private static func command(_ words: ArraySlice<String>) -> ProcessCommand? {
    var command = ProcessCommand(assignments: [], words: [])
    var rest = words
    while let word = rest.first {
      if isAssignment(word) {
        command.assignments.append(word)
      } else if word != "exec" && word != "env" {
        break
      }
      rest = rest.dropFirst()
    }
    // `sh -c 'mix run'`
    if ["sh", "bash"].contains(rest.first), rest.dropFirst().first?.hasPrefix("-") == true {
      return Self.command(rest.dropFirst(2))
    }
    command.words = Array(rest)
    return rest.isEmpty ? nil : command
  }

  private static func isAssignment(_ word: String) -> Bool {
    guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return false }
    return word[..<equals].allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
  }
}
