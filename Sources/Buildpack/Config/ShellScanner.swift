import Events

struct ShellScanner {
  struct Value {
    var bytes: [UInt8] = []
    var isArray = false
    var expansion: [UInt8]?
  }

  private let bytes: [UInt8]
  private let file: String
  private var position = 0
  private var line = 1
  private(set) var isExported = false

  init(bytes: [UInt8], file: String) {
    (self.bytes, self.file) = (bytes, file)
  }

  var place: FilePlace { FilePlace(file: file, line: line) }

  private var next: UInt8? { peek(0) }

  private func peek(_ offset: Int) -> UInt8? {
    position + offset < bytes.count ? bytes[position + offset] : nil
  }

  private mutating func advance() {
    if next == UInt8(ascii: "\n") { line += 1 }
    position += 1
  }

  mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    advance()
    return true
  }

  var isAtBlank: Bool { next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") }

  /// A carriage return ends a word only at the end of a line.
  var isAtEndOfWord: Bool {
    guard let next else { return true }
    if next == UInt8(ascii: "\r") { return peek(1) == nil || peek(1) == UInt8(ascii: "\n") }
    return " \t\n;".utf8.contains(next)
  }

  /// Skips blanks, empty lines and comments.
  /// - Returns: whether there is a word.
  mutating func skipToWord() -> Bool {
    while let next {
      if next == UInt8(ascii: "#") {
        skipLine()
      } else if isContinuation {
        skipContinuation()
      } else if isAtEndOfWord {
        if next == UInt8(ascii: "\n") || next == UInt8(ascii: ";") { isExported = false }
        advance()
      } else {
        return true
      }
    }
    return false
  }

  private mutating func skipLine() {
    position = bytes.firstIndex(of: UInt8(ascii: "\n"), from: position) ?? bytes.count
  }

  private var isContinuation: Bool {
    next == UInt8(ascii: "\\")
      && (peek(1) == UInt8(ascii: "\n")
        || peek(1) == UInt8(ascii: "\r") && peek(2) == UInt8(ascii: "\n"))
  }

  private mutating func skipContinuation() {
    advance()
    _ = take(UInt8(ascii: "\r"))
    advance()
  }

  /// The name of a variable or command; empty if there is none.
  mutating func name() -> String {
    let start = position
    while let next, Self.isName(next, isFirst: position == start) { position += 1 }
    let name = String(decoding: bytes[start..<position], as: UTF8.self)
    if name == "export" { isExported = true }
    return name
  }

  private static func isName(_ byte: UInt8, isFirst: Bool) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "_"):
      true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): !isFirst
    default: false
    }
  }

  mutating func value() throws(Cause) -> Value {
    var value = Value()
    guard take(UInt8(ascii: "(")) else {
      try word(into: &value)
      return value
    }
    value.isArray = true
    let start = place
    while skipToWord() {
      if take(UInt8(ascii: ")")) { return value }
      if !value.bytes.isEmpty { value.bytes.append(UInt8(ascii: " ")) }
      try word(into: &value)
    }
    throw start.refusal("the '(' has no ')'")
  }

  private mutating func word(into value: inout Value) throws(Cause) {
    while !isAtEndOfWord, let next {
      switch next {
      case UInt8(ascii: "'"): try singleQuoted(into: &value)
      case UInt8(ascii: "\""): try doubleQuoted(into: &value)
      case UInt8(ascii: ")") where value.isArray: return
      case UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "<"), UInt8(ascii: ">"),
        UInt8(ascii: "("), UInt8(ascii: ")"):
        throw place.refusal(
          "the value holds a '\(Character(UnicodeScalar(next)))', which makes it a command",
          remedy: "Quote the value: KEY=\"A B\"")
      case UInt8(ascii: "\\"):
        if isContinuation {
          skipContinuation()
        } else {
          advance()
          if let escaped = self.next { append(escaped, to: &value) }
        }
      default: try plain(next, into: &value)
      }
    }
  }

  private mutating func append(_ byte: UInt8, to value: inout Value) {
    value.bytes.append(byte)
    advance()
  }

  private mutating func singleQuoted(into value: inout Value) throws(Cause) {
    let start = place
    advance()
    while let next {
      if take(UInt8(ascii: "'")) { return }
      if isAtLineEnd { advance() } else { append(next, to: &value) }
    }
    throw start.refusal("the quote is not closed")
  }

  private mutating func doubleQuoted(into value: inout Value) throws(Cause) {
    let start = place
    advance()
    while let next {
      if take(UInt8(ascii: "\"")) { return }
      if isContinuation {
        skipContinuation()
      } else if next == UInt8(ascii: "\\"), let escaped = peek(1), "\"\\$`".utf8.contains(escaped) {
        advance()
        append(escaped, to: &value)
      } else if isAtLineEnd {
        advance()
      } else {
        try plain(next, into: &value)
      }
    }
    throw start.refusal("the quote is not closed")
  }

  /// Whether the next byte is the carriage return of a Windows line end.
  private var isAtLineEnd: Bool {
    next == UInt8(ascii: "\r") && peek(1) == UInt8(ascii: "\n")
  }

  /// Reads an ordinary byte, or an expansion, which is kept as it is written.
  private mutating func plain(_ byte: UInt8, into value: inout Value) throws(Cause) {
    let from = value.bytes.count
    switch (byte, peek(1)) {
    case (UInt8(ascii: "`"), _): try backquoted(into: &value)
    case (UInt8(ascii: "$"), UInt8(ascii: "(")?), (UInt8(ascii: "$"), UInt8(ascii: "{")?):
      try nested(into: &value)
    case (UInt8(ascii: "$"), let after?)
    where Self.isName(after, isFirst: false) || "?!#*@$-'".utf8.contains(after):
      append(byte, to: &value)
      append(after, to: &value)
      while let next, Self.isName(next, isFirst: false) { append(next, to: &value) }
    default:
      append(byte, to: &value)
      return
    }
    if value.expansion == nil { value.expansion = Array(value.bytes[from...].prefix(40)) }
  }

  private mutating func backquoted(into value: inout Value) throws(Cause) {
    let start = place
    append(UInt8(ascii: "`"), to: &value)
    while let next {
      append(next, to: &value)
      if next == UInt8(ascii: "`") { return }
      if next == UInt8(ascii: "\\"), let escaped = self.next { append(escaped, to: &value) }
    }
    throw start.refusal("the '`' is not closed")
  }

  /// Reads `$(…)` or `${…}` with everything nested in it.
  private mutating func nested(into value: inout Value) throws(Cause) {
    let start = place
    /// The brackets and quotes that are still open, innermost last.
    var open: [UInt8] = []
    while let next {
      append(next, to: &value)
      if next == open.last {
        open.removeLast()
        if open.isEmpty { return }
        continue
      }
      let isQuoted = open.last == UInt8(ascii: "\"")
      switch next {
      case UInt8(ascii: "\\"): if let escaped = self.next { append(escaped, to: &value) }
      case UInt8(ascii: "$") where self.next == UInt8(ascii: "("):
        append(UInt8(ascii: "("), to: &value)
        open.append(UInt8(ascii: ")"))
      case UInt8(ascii: "$") where self.next == UInt8(ascii: "{"):
        append(UInt8(ascii: "{"), to: &value)
        open.append(UInt8(ascii: "}"))
      case UInt8(ascii: "(") where !isQuoted: open.append(UInt8(ascii: ")"))
      case UInt8(ascii: "\""): open.append(next)
      case UInt8(ascii: "'") where !isQuoted:
        while let inner = self.next {
          append(inner, to: &value)
          if inner == UInt8(ascii: "'") { break }
        }
      default: break
      }
    }
    throw start.refusal("the '$' expansion is not closed")
  }
}
