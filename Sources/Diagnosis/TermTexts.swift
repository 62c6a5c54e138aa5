import ErlangTerm

// Texts within terms. The VM prints a text as numbers if it has a line break or a letter beyond ASCII, or if it is a
// list of bytes; no search for text finds a value of a config var in numbers.
extension Term {
  /// The term with `mask` applied to each of its texts, also to those that were printed as numbers.
  func masked(by mask: (String) -> String) -> Term {
    switch self {
    case .atom(let name): return .atom(mask(name))
    case .binary(let bytes):
      return String(validating: bytes, as: UTF8.self).map { .binary(Array(mask($0).utf8)) } ?? self
    case .list(let elements):
      if let text = Self.text(of: elements) {
        return .list(mask(text).unicodeScalars.map { .integer(Int($0.value)) })
      }
      return mapParts { $0.masked(by: mask) }
    default: return mapParts { $0.masked(by: mask) }
    }
  }

  /// The term with another one in the place of each of its parts.
  private func mapParts(_ change: (Term) -> Term) -> Term {
    switch self {
    case .list(let elements): .list(elements.map(change))
    case .improperList(let elements, let tail):
      .improperList(elements.map(change), tail: change(tail))
    case .tuple(let elements): .tuple(elements.map(change))
    case .map(let entries):
      .map(
        Dictionary(entries.map { (change($0.key), change($0.value)) }) { first, _ in first })
    default: self
    }
  }

  /// The text of a list of bytes of UTF-8 or of code points; nil if it is none that could be read.
  private static func text(of elements: [Term]) -> String? {
    let numbers = elements.compactMap(\.integer)
    guard !numbers.isEmpty, numbers.count == elements.count else { return nil }
    let bytes = numbers.compactMap(UInt8.init(exactly:))
    let isUTF8 = bytes.count == numbers.count && bytes.contains { $0 > 127 }
    let text =
      (isUTF8 ? String(validating: bytes, as: UTF8.self) : nil) ?? Term.list(elements).text
    return text.flatMap { $0.unicodeScalars.allSatisfy(isReadable) ? $0 : nil }
  }

  private static func isReadable(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 32 && !(127..<160).contains(scalar.value)
      || "\n\r\t\u{1b}".unicodeScalars.contains(scalar)
  }

  /// More numbers than this in a list or binary say nothing in a sentence.
  private static let mostNumbers = 3

  /// The term with its long lists of numbers, and its bytes that are no text, replaced by words.
  var withoutNumbers: Term {
    switch self {
    case .binary(let bytes):
      let text = String(validating: bytes, as: UTF8.self)
      let isText = text?.unicodeScalars.allSatisfy(Self.isReadable) ?? false
      return isText || bytes.count <= Self.mostNumbers ? self : .atom("\(bytes.count) bytes")
    case .list(let elements):
      if elements.count > Self.mostNumbers, elements.allSatisfy({ $0.integer != nil }),
        Self.text(of: elements) == nil
      {
        return .atom("\(elements.count) numbers")
      }
      return mapParts(\.withoutNumbers)
    case .improperList(let elements, _):
      if elements.allSatisfy({ $0.integer != nil }) { return .atom("\(elements.count) numbers") }
      return mapParts(\.withoutNumbers)
    default: return mapParts(\.withoutNumbers)
    }
  }
}

extension String {
  /// The text without its runs of numbers, such as `97,110,32,98` in a list or binary, or five numbers anywhere, also
  /// over several lines.
  var withoutNumbers: String {
    guard utf8.contains(where: { $0 == UInt8(ascii: ",") }) else { return self }
    var (kept, rest) = ([UInt8](), utf8[...])
    while let first = rest.first {
      let run = Self.numbers(rest)
      if run.count == 0 {
        kept.append(first)
        rest = rest.dropFirst()
      } else {
        let isOpen = kept.last == UInt8(ascii: "[") || kept.last == UInt8(ascii: "<")
        kept += run.count > (isOpen ? 2 : 4) ? Array("…".utf8) : Array(rest[..<run.end])
        rest = rest[run.end...]
      }
    }
    return String(decoding: kept, as: UTF8.self)
  }

  /// The numbers at the start of a text, or characters as Erlang writes them (`$a`), with commas, bars and white space
  /// between them.
  private static func numbers(_ text: Substring.UTF8View)
    -> (count: Int, end: Substring.UTF8View.Index)
  {
    var (count, end, rest) = (0, text.startIndex, text)
    while true {
      let number =
        rest.first == UInt8(ascii: "$")
        ? rest.prefix(2) : rest.prefix { (48...57).contains($0) || count > 0 && $0 | 32 == 120 }
      if number.isEmpty { return (count, end) }
      (count, end) = (count + 1, number.endIndex)
      rest = rest[end...].drop { $0 == 32 || $0 == 9 || $0 == 10 }
      guard rest.first == UInt8(ascii: ",") || rest.first == UInt8(ascii: "|") else {
        return (count, end)
      }
      rest = rest.dropFirst().drop { $0 == 32 || $0 == 9 || $0 == 10 }
    }
  }

  /// The line without a text that was cut off, which may be the beginning of a value of a config var: the last one if it
  /// is not closed, or one before Elixir's ` <> ...`.
  var withoutParts: String {
    var (kept, open, isEscaped) = ("", nil as String.Index?, false)
    for index in indices {
      let character = self[index]
      kept.append(character)
      if isEscaped {
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        guard let start = open else {
          open = kept.endIndex
          continue
        }
        if self[index...].hasPrefix("\" <> ...") { kept = String(kept[..<start]) + "…\"" }
        open = nil
      }
    }
    return open.map { String(kept[..<$0]) + "…" } ?? kept
  }
}
