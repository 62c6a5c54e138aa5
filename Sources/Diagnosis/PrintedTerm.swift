import ErlangTerm

/// Reads Erlang terms as they stand in the output of a VM: with pids and funs, which have no text form that reads back,
/// with more text behind them, or cut off.
enum PrintedTerm {
  /// Characters of a term that are read. More than this no reason needs.
  private static let longest = 256 << 10

  /// The term at the start of a text; nil if there is none.
  static func read(_ text: Substring) -> Term? {
    var reader = Reader(text: text.prefix(longest))
    guard let term = reader.term() else { return nil }
    return try? TextFormat.parse(term)
  }

  static func read(_ text: String) -> Term? { read(text[...]) }

  /// The text of a list of bytes, which may be cut off: `[123,97,112`; nil if it is none.
  static func text(ofBytes list: Substring) -> Substring? {
    guard list.first == "[" else { return nil }
    let inner = list.dropFirst().prefix { $0.isASCII && $0.isNumber || $0 == "," }
    let isWhole = list[inner.endIndex...].first == "]"
    let numbers = inner.split(separator: ",")
    // Of a number that was cut the rest is missing.
    let bytes = (isWhole ? numbers[...] : numbers.dropLast()).map { UInt8($0) }
    guard bytes.count > 8, !bytes.contains(nil) else { return nil }
    return String(decoding: bytes.compactMap { $0 }, as: UTF8.self)[...]
  }

  /// Copies one term, in a form that `TextFormat` reads: what has no text form becomes an atom, and what is cut off is
  /// closed.
  private struct Reader {
    private var rest: Substring
    private var copy = ""
    private var open: [(closing: String, start: Int)] = []

    init(text: Substring) { rest = text.drop { $0.isWhitespace } }

    mutating func term() -> String? {
      while let first = rest.first {
        step(first)
        if open.isEmpty, !copy.isEmpty, isAtEnd { break }
      }
      dropCutNumbers()
      if copy.hasSuffix(",") || copy.hasSuffix("=>") || copy.hasSuffix("|") { copy += "'...'" }
      copy += open.reversed().map(\.closing).joined()
      return copy.isEmpty ? nil : copy
    }

    /// Leaves out a binary or a list of numbers that was cut off. It may be the beginning of a value of a config var,
    /// which no mask finds.
    private mutating func dropCutNumbers() {
      guard let last = open.last else { return }
      let inner = copy.utf8.dropFirst(last.start + 1)
      let isText = inner.allSatisfy { (48...57).contains($0) || $0 == 44 || $0 <= 32 }
      if last.closing == ">>" || last.closing == "]" && !inner.isEmpty && isText {
        dropLast(from: last.start)
      }
    }

    /// Puts `...` in the place of what was read since.
    private mutating func dropLast(from start: Int) {
      copy = String(decoding: copy.utf8.prefix(start), as: UTF8.self) + "'...'"
      while let last = open.last, last.start >= start { open.removeLast() }
    }

    /// Whether the term is complete: nothing is open, and what follows cannot belong to it.
    private var isAtEnd: Bool {
      guard let next = rest.first else { return true }
      let last = copy.last ?? " "
      return "}]>\"'".contains(last) || !(next.isLetter || next.isNumber || "_@.:-+".contains(next))
    }

    private mutating func step(_ first: Character) {
      switch first {
      case "\"", "'": quoted(first)
      case "<" where rest.hasPrefix("<<"): take(2, closing: ">>")
      case ">" where rest.hasPrefix(">>") && open.last?.closing == ">>": close(2)
      case "<": opaque(to: ">")
      case "#" where rest.hasPrefix("#{"): take(2, closing: "}")
      case "#": opaque(to: ">")
      // A masked value.
      case "«": opaque(to: "»")
      case "{": take(1, closing: "}")
      case "[": take(1, closing: "]")
      case "}", "]":
        guard open.last?.closing == String(first) else {
          rest = ""
          return
        }
        close(1)
      case "." where rest.hasPrefix("..."):
        copy += "'...'"
        rest = rest.dropFirst(3)
      case "," where copy.last == "{" || copy.last == "[": copy += "'...'"
      case let letter where letter.isLetter && !(copy.last?.isNumber ?? false): word()
      case "_" where open.last != nil && copy.last.map({ "{[,".contains($0) }) == true:
        copy += "'_'"
        rest = rest.dropFirst()
      default:
        copy.append(first)
        rest = rest.dropFirst()
      }
    }

    /// An atom. In the VM's shortest form of a reason no atom is in quotes: `Elixir.Shop`, `read!`.
    private mutating func word() {
      var word = rest.prefix { $0.isLetter || $0.isNumber || "_@.!?".contains($0) }
      while word.last == "." { word = word.dropLast() }
      let isPlain = word.first?.isLowercase == true && !word.contains { ".!?".contains($0) }
      copy += isPlain ? String(word) : "'\(word)'"
      rest = rest.dropFirst(word.count)
    }

    private mutating func take(_ count: Int, closing: String) {
      open.append((closing, copy.utf8.count))
      copy += rest.prefix(count)
      rest = rest.dropFirst(count)
    }

    private mutating func close(_ count: Int) {
      copy += rest.prefix(count)
      rest = rest.dropFirst(count)
      open.removeLast()
    }

    private mutating func quoted(_ mark: Character) {
      let start = copy.utf8.count
      copy.append(mark)
      rest = rest.dropFirst()
      var isASCII = true
      // The mark of a masked value is more than the bytes that the VM has printed.
      defer {
        if open.last?.closing == ">>", !isASCII, !rest.hasPrefix("/") { copy += "/utf8" }
      }
      while let next = rest.first {
        rest = rest.dropFirst()
        isASCII = isASCII && next.isASCII
        // A break within a text would end the line that the parser reads.
        copy += next.isNewline ? "\\n" : String(next)
        if next == mark { return }
        if next == "\\", let escaped = rest.first {
          copy.append(escaped)
          rest = rest.dropFirst()
        }
      }
      // A text that was cut off may be the beginning of a value, too.
      dropLast(from: open.last.flatMap { $0.closing == ">>" ? $0.start : nil } ?? start)
    }

    /// `<0.12.0>`, `#Ref<…>`, `#Fun<…>`: an atom of the same text.
    private mutating func opaque(to last: Character) {
      guard let end = rest.firstIndex(of: last) else {
        copy += "'...'"
        rest = ""
        return
      }
      copy += "'" + rest[...end].prefix(200).filter { $0 != "'" && $0 != "\\" } + "'"
      rest = rest[rest.index(after: end)...]
    }
  }
}
