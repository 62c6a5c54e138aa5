import PlainText

/// Why a theme file cannot be used.
public struct ThemeError: Error, Equatable, Sendable {
  /// What is wrong with a line, and what to write instead.
  struct Problem: Error, Equatable {
    var sentence: String
    var remedy: String
  }

  public let file: String
  /// Counted from 1.
  public let line: Int
  let problem: Problem

  /// `dark.theme:3: there is no role 'tilte'`
  public var sentence: String { "\(Printable.clean(file)):\(line): \(problem.sentence)" }

  public var remedy: String { problem.remedy }
}

extension ThemeError.Problem {
  private static let example = "write for example: title = #7aa2f7 bold"
  private static let exampleOfColors = "write for example: selected = white on blue bold"

  static let noEqualSign = Self(sentence: "the line is no 'role = look'", remedy: example)
  static let noColorAfterOn = Self(sentence: "no colour follows 'on'", remedy: exampleOfColors)

  static func noValue(_ role: Role) -> Self {
    Self(sentence: "'\(role.rawValue)' has no look", remedy: example)
  }

  static func unknownRole(_ name: Substring) -> Self {
    let roles = Role.allCases.map(\.rawValue)
    return Self(
      sentence: "there is no role '\(quoted(name))'",
      remedy: question(name, roles) ?? "the roles are: " + roles.joined(separator: ", "))
  }

  static func repeatedRole(_ role: Role, firstLine: Int) -> Self {
    Self(
      sentence: "'\(role.rawValue)' is already set in line \(firstLine)",
      remedy: "remove one of the two lines")
  }

  static func unknownWord(_ word: Substring) -> Self {
    let attributes = Style.Attributes.named.map(\.name)
    let words = (Color.names.prefix(8) + ["bright-red …"] + attributes).joined(separator: ", ")
    return Self(
      sentence: "'\(quoted(word))' is no colour and no attribute",
      remedy: question(word, ["default", "on"] + Color.names + attributes)
        ?? "use default, #rrggbb, \(words)")
  }

  static func badHexColor(_ word: Substring) -> Self {
    Self(
      sentence: "'\(quoted(word))' is no colour",
      remedy: "write six hexadecimal digits after '#', for example #7aa2f7")
  }

  /// A third colour, or two without `on` between them.
  static func tooManyColors(_ word: Substring) -> Self {
    Self(sentence: "'\(quoted(word))' is one colour too many", remedy: exampleOfColors)
  }

  private static func question(_ word: Substring, _ known: [String]) -> String? {
    let near = Spelling.nearest(to: String(word), among: known).map { "'\($0)'" }
    return near.isEmpty ? nil : "did you mean \(near.joined(separator: " or "))?"
  }

  private static func quoted(_ word: Substring) -> String { Printable.cut(String(word), to: 40) }
}
