import ErlangTerm

/// Writes terms as Elixir does: `{:connect_error, "127.0.0.1", 1}`.
enum ElixirWords {
  private static let deepest = 12

  static func write(_ term: Term) -> String { write(term, depth: 0) }

  private static func write(_ term: Term, depth: Int) -> String {
    if depth > deepest { return "…" }
    func all(_ terms: [Term]) -> String {
      terms.map { write($0, depth: depth + 1) }.joined(separator: ", ")
    }
    switch term {
    case .atom(let name): return atom(name)
    case .tuple(let elements): return "{\(all(elements))}"
    case .binary(let bytes):
      return String(validating: bytes, as: UTF8.self).map(quoted) ?? "<<\(bytes.count) bytes>>"
    case .list(let elements):
      if !elements.isEmpty, let text = term.text,
        text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 || $0 == "\n" })
      {
        return quoted(text)
      }
      return "[\(all(elements))]"
    case .map(let entries): return map(entries, depth: depth)
    default: return term.description
    }
  }

  private static func atom(_ name: String) -> String {
    if name.hasPrefix("Elixir.") { return CodeName.module(name) }
    if ["true", "false", "nil"].contains(name) { return name }
    // What had no text form: pids and funs.
    if name.hasPrefix("<") || name.hasPrefix("#") || name == "..." { return name }
    let isPlain = name.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || ("0"..."9").contains($0) || "_@?!".unicodeScalars.contains($0)
    }
    return isPlain && !name.isEmpty ? ":\(name)" : ":\(quoted(name))"
  }

  private static func map(_ entries: [Term: Term], depth: Int) -> String {
    let name = entries[.atom("__struct__")]?.atom.map(CodeName.module) ?? ""
    let shown = entries.filter {
      !["__struct__", "__exception__"].contains($0.key.atom ?? "")
    }
    let pairs = shown.map { key, value in
      let value = write(value, depth: depth + 1)
      return key.atom.map { "\($0): \(value)" } ?? "\(write(key, depth: depth + 1)) => \(value)"
    }
    return "%\(name){\(pairs.sorted().joined(separator: ", "))}"
  }

  private static func quoted(_ text: String) -> String {
    "\""
      + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("\n", with: "\\n") + "\""
  }
}
