/// The command of a process type, cut into what a shell would run one after the other.
struct RehearsalCommand {
  private struct Segment {
    /// As it stands there, quotes included.
    var parts = [""]
    var words: ArraySlice<String> { parts.filter { !$0.isEmpty }[...] }
    var text: String { words.joined(separator: " ") }
    /// Whether no other program is run and nothing redirected.
    var isSimple: Bool { !text.contains { "<>()`".contains($0) } }
  }

  private let segments: [Segment]

  init(_ command: String) {
    var segments = [Segment()]
    var quote: Character?
    var isEscaped = false
    for character in command {
      let isBare = quote == nil && !isEscaped
      if isBare, ";&|\n".contains(character) {
        segments.append(Segment())
      } else if isBare, character.isWhitespace {
        segments[segments.count - 1].parts.append("")
      } else {
        let segment = segments.count - 1
        segments[segment].parts[segments[segment].parts.count - 1].append(character)
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
    self.segments = segments.filter { !$0.text.isEmpty }
  }

  /// The part that starts the release and does nothing else, with the variables that are set before it: of
  /// `bin/migrate && A=1 exec bin/app start` the second half.
  /// - Parameters:
  ///   - server: the path of the release's `bin/server`.
  /// - Returns: nil where no part does.
  func start(of release: OTPRelease, server: String) -> String? {
    guard let place = segments.firstIndex(where: { Self.starts($0, release, server) }) else {
      return nil
    }
    let settings = segments[..<place].filter(Self.isSetting)
    return (settings + [segments[place]]).map(\.text).joined(separator: " && ")
  }

  /// `env A=1 bin/app start`, `A=1 exec ./bin/app start`, `bin/server`
  private static func starts(_ segment: Segment, _ release: OTPRelease, _ server: String) -> Bool {
    var words = segment.words.drop { $0 == "exec" || $0 == "env" || isAssignment($0) }
    guard segment.isSimple, let program = words.popFirst() else { return false }
    let path = program.hasPrefix("./") ? program.dropFirst(2) : program[...]
    return path == server && words.isEmpty
      || path == release.startCommand && words.elementsEqual([release.startArgument])
  }

  /// `export A=1`, `A=1`
  private static func isSetting(_ segment: Segment) -> Bool {
    let words = segment.words.drop { $0 == "export" }
    return segment.isSimple && !words.isEmpty && words.allSatisfy(isAssignment)
  }

  private static func isAssignment(_ word: String) -> Bool {
    guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return false }
    return word[..<equals].allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
  }
}
