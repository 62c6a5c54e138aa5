/// A file of a relx release into which the start script puts environment variables: `sys.config.src`, `vm.args.src`.
/// `${NAME}` becomes the variable's value or nothing, `${NAME:-text}` the value or the text.
struct SourceTemplate {
  let text: String

  /// Names of the variables without a default text.
  var names: [String] {
    parts.compactMap { if case .variable(let name, nil) = $0 { name } else { nil } }
  }

  func filled(_ values: [String: String]) -> String {
    parts.map { part in
      switch part {
      case .text(let text): return text
      case .variable(let name, let other):
        let value = values[name] ?? ""
        return value.isEmpty ? other ?? "" : value
      }
    }.joined()
  }

  private enum Part {
    case text(String)
    case variable(String, String?)
  }

  private var parts: [Part] {
    var parts: [Part] = []
    var rest = text[...]
    while let start = rest.firstRange(of: "${"),
      let end = rest[start.upperBound...].firstIndex(of: "}")
    {
      parts.append(.text(String(rest[..<start.lowerBound])))
      let words = rest[start.upperBound..<end].split(
        separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
      parts.append(.variable(String(words[0]), words.count > 1 ? String(words[1]) : nil))
      rest = rest[rest.index(after: end)...]
    }
    return parts + [.text(String(rest))]
  }
}
