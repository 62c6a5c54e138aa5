extension Palette {
  /// Reads a theme: lines of `role = look`, and `#` comments on lines of their own.
  ///
  /// A look is `[foreground] [on background] [attributes]` in that order or with the attributes anywhere between:
  /// `#7aa2f7`, `red bold`, `default on blue`. A role that is not named keeps its look from `Palette.mono`.
  /// - Parameter file: the name that errors carry.
  public init(theme text: String, file: String) throws(ThemeError) {
    self = .mono
    var lines: [Role: Int] = [:]
    let all = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, line) in all.enumerated() {
      do throws(ThemeError.Problem) {
        guard let (role, style) = try ThemeLine(line).parse() else { continue }
        if let first = lines[role] { throw .repeatedRole(role, firstLine: first) }
        lines[role] = index + 1
        self[role] = style
      } catch {
        throw ThemeError(file: file, line: index + 1, problem: error)
      }
    }
  }
}

private struct ThemeLine {
  private let words: [Substring]

  init(_ line: Substring) {
    // Only the first `=` separates.
    let halves = line.prefix(200).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    words = halves.joined(separator: " = ").split { $0 == " " || $0 == "\t" }
  }

  /// Nil for an empty line or a comment.
  func parse() throws(ThemeError.Problem) -> (Role, Style)? {
    guard let name = words.first, name.first != "#" else { return nil }
    guard words.count > 1, words[1] == "=" else { throw .noEqualSign }
    guard let role = Role(rawValue: String(name)) else { throw .unknownRole(name) }
    guard words.count > 2 else { throw .noValue(role) }
    return (role, try style(words.dropFirst(2)))
  }

  private func style(_ words: ArraySlice<Substring>) throws(ThemeError.Problem) -> Style {
    var style = Style()
    var foreground: Color?
    var background: Color?
    var wantsBackground = false
    for word in words {
      if let attribute = Style.Attributes.named.first(where: { $0.name == word }) {
        style.attributes.insert(attribute.value)
      } else if word == "on", background == nil, !wantsBackground {
        wantsBackground = true
      } else {
        let color = try color(word)
        if wantsBackground, background == nil {
          background = color
        } else if foreground == nil, background == nil {
          foreground = color
        } else {
          throw .tooManyColors(word)
        }
      }
    }
    if wantsBackground, background == nil { throw .noColorAfterOn }
    style.foreground = foreground ?? .standard
    style.background = background ?? .standard
    return style
  }

  private func color(_ word: Substring) throws(ThemeError.Problem) -> Color {
    if word == "default" { return .standard }
    if let index = Color.names.firstIndex(of: String(word)) {
      return .named(UInt8(truncatingIfNeeded: index))
    }
    if word.first == "#" { return try hexColor(word) }
    throw .unknownWord(word)
  }

  private func hexColor(_ word: Substring) throws(ThemeError.Problem) -> Color {
    let digits = word.dropFirst()
    let isHex = digits.utf8.count == 6 && digits.allSatisfy { $0.isASCII && $0.isHexDigit }
    guard isHex, let value = UInt32(digits, radix: 16) else { throw .badHexColor(word) }
    return .rgb(
      red: UInt8(truncatingIfNeeded: value >> 16), green: UInt8(truncatingIfNeeded: value >> 8),
      blue: UInt8(truncatingIfNeeded: value))
  }
}
