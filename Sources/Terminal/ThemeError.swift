import PlainText

/// Why a theme file cannot be used.
public struct ThemeError: Error, Equatable, Sendable {
  public enum Problem: Equatable, Sendable {
    case noEqualSign
    /// `near` are the roles with a name close to it.
    case unknownRole(String, near: [String])
    case repeatedRole(String, firstLine: Int)
    case noValue(String)
    case unknownWord(String, near: [String])
    case badHexColor(String)
    /// A third colour, or two without `on` between them.
    case tooManyColors(String)
    case noColorAfterOn
  }

  public let file: String
  /// Counted from 1.
  public let line: Int
  public let problem: Problem

  /// `dark.theme:3: there is no role 'tilte'`
  public var sentence: String { "\(Printable.clean(file)):\(line): \(what)" }

  private var what: String {
    switch problem {
    case .noEqualSign: "the line is no 'role = look'"
    case .unknownRole(let name, _): "there is no role '\(Self.quoted(name))'"
    case .repeatedRole(let name, let first): "'\(name)' is already set in line \(first)"
    case .noValue(let name): "'\(name)' has no look"
    case .unknownWord(let word, _): "'\(Self.quoted(word))' is no colour and no attribute"
    case .badHexColor(let word): "'\(Self.quoted(word))' is no colour"
    case .tooManyColors(let word): "'\(Self.quoted(word))' is one colour too many"
    case .noColorAfterOn: "no colour follows 'on'"
    }
  }

  /// What to do about it.
  public var remedy: String {
    switch problem {
    case .noEqualSign, .noValue: "write for example: title = #7aa2f7 bold"
    case .unknownRole(_, let near) where !near.isEmpty: Self.question(near)
    case .unknownRole:
      "the roles are: " + Role.allCases.map(\.rawValue).joined(separator: ", ")
    case .repeatedRole: "remove one of the two lines"
    case .unknownWord(_, let near) where !near.isEmpty: Self.question(near)
    case .unknownWord: "use default, #rrggbb, \(Self.words)"
    case .badHexColor: "write six hexadecimal digits after '#', for example #7aa2f7"
    case .tooManyColors, .noColorAfterOn: "write for example: selected = white on blue bold"
    }
  }

  private static var words: String {
    (Color.names.prefix(8) + ["bright-red …"] + Style.Attributes.named.map(\.name))
      .joined(separator: ", ")
  }

  private static func question(_ near: [String]) -> String {
    "did you mean \(near.map { "'\($0)'" }.joined(separator: " or "))?"
  }

  private static func quoted(_ word: String) -> String { Printable.cut(word, to: 40) }
}
