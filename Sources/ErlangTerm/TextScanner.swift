struct Token {
  enum Kind: Equatable {
    case atom(String)
    case reserved(String)
    case variable(String)
    case number(Term)
    case string([Unicode.Scalar])
    case sign(String)
    case fullStop
    case end
  }

  var kind: Kind
  var line: Int
  var column: Int
}

/// A scanner that cuts a text into tokens. See "Character Set and Source File Encoding", Erlang reference manual.
struct TextScanner {
  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var line = 1
  private var lineStart = 0

  init(_ scalars: [Unicode.Scalar]) {
    self.scalars = scalars
  }

  mutating func next() throws(TermError) -> Token {
    skipBlanks()
    let (line, column) = (line, index - lineStart + 1)
    return Token(kind: try kind(), line: line, column: column)
  }

  private mutating func kind() throws(TermError) -> Token.Kind {
    guard let first = peek() else { return .end }
    switch first {
    case "'": return .atom(try quotedAtom())
    case "\"": return .string(try quoted("\""))
    case "$": return .number(try character())
    case "0"..."9": return .number(try number())
    case ".":
      step()
      guard let after = peek() else { return .fullStop }
      return Self.isBlank(after) || after == "%" ? .fullStop : .sign(".")
    default: break
    }
    if Self.isLower(first) {
      let name = name()
      return Self.reservedWords.contains(name) ? .reserved(name) : .atom(name)
    }
    if Self.isUpper(first) || first == "_" { return .variable(name()) }
    return .sign(sign())
  }

  // MARK: - Characters

  private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
    index + ahead < scalars.count ? scalars[index + ahead] : nil
  }

  @discardableResult
  private mutating func step() -> Unicode.Scalar? {
    guard let scalar = peek() else { return nil }
    index += 1
    if scalar == "\n" { (line, lineStart) = (line + 1, index) }
    return scalar
  }

  private mutating func skipBlanks() {
    while let scalar = peek() {
      if scalar == "%" {
        while let scalar = peek(), scalar != "\n" { step() }
      } else if Self.isBlank(scalar) {
        step()
      } else {
        return
      }
    }
  }

  private func fault(_ fault: TermFault) -> TermError {
    .text(fault, line: line, column: index - lineStart + 1)
  }

  // MARK: - Words and signs

  private mutating func name() -> String {
    var name = String.UnicodeScalarView()
    while let scalar = peek(), Self.isNamePart(scalar) {
      name.append(scalar)
      step()
    }
    return String(name)
  }

  private mutating func sign() -> String {
    guard let first = step() else { return "" }
    let pair = String(first) + (peek().map { String($0) } ?? "")
    guard ["<<", ">>", "=>"].contains(pair) else { return String(first) }
    step()
    return pair
  }

  // MARK: - Quotes

  private mutating func quotedAtom() throws(TermError) -> String {
    var name = String.UnicodeScalarView()
    name.append(contentsOf: try quoted("'"))
    return String(name)
  }

  private mutating func quoted(_ quote: Unicode.Scalar) throws(TermError) -> [Unicode.Scalar] {
    let unterminated = fault(.unterminated(quote: Character(quote)))
    step()
    var content: [Unicode.Scalar] = []
    while let scalar = peek() {
      if scalar == "\\" {
        content.append(try escape())
      } else {
        step()
        if scalar == quote { return content }
        content.append(scalar)
      }
    }
    throw unterminated
  }

  private mutating func character() throws(TermError) -> Term {
    let unterminated = fault(.unterminated(quote: "$"))
    step()
    guard let scalar = peek() else { throw unterminated }
    if scalar == "\\" { return .integer(Int(try escape().value)) }
    step()
    return .integer(Int(scalar.value))
  }

  /// See "Escape Sequences", Erlang reference manual.
  private mutating func escape() throws(TermError) -> Unicode.Scalar {
    let bad = fault(.badEscape)
    step()
    guard let scalar = step() else { throw bad }
    switch scalar {
    case "0"..."7":
      var value = scalar.value - 48
      for _ in 0..<2 {
        guard let digit = peek(), ("0"..."7").contains(digit) else { break }
        value = value * 8 + digit.value - 48
        step()
      }
      guard let result = Unicode.Scalar(value) else { throw bad }
      return result
    case "^":
      guard let control = step(), ("@"..."_").contains(control) || ("a"..."z").contains(control)
      else { throw bad }
      return Unicode.Scalar(UInt8(control.value & 31))
    case "x":
      guard let result = hexadecimal() else { throw bad }
      return result
    default: return Self.escapes[scalar] ?? scalar
    }
  }

  /// The `HH` or `{H…}` after `\x`.
  private mutating func hexadecimal() -> Unicode.Scalar? {
    let isBraced = peek() == "{"
    if isBraced { step() }
    var (value, count): (UInt32, Int) = (0, 0)
    while isBraced || count < 2, let digit = peek().flatMap({ Self.digit($0, radix: 16) }) {
      guard value <= 0x10FFFF else { return nil }
      value = value << 4 | UInt32(digit)
      count += 1
      step()
    }
    guard isBraced ? count > 0 && step() == "}" : count == 2 else { return nil }
    return Unicode.Scalar(value)
  }

  // MARK: - Numbers

  private mutating func number() throws(TermError) -> Term {
    let bad = fault(.badNumber)
    let whole = digits(radix: 10)
    if peek() == "#" {
      guard let radix = Self.small(whole), (2...36).contains(radix) else { throw bad }
      step()
      let digits = digits(radix: UInt32(radix))
      guard !digits.isEmpty else { throw bad }
      return try integer(digits, radix: UInt32(radix))
    }
    guard peek() == ".", let next = peek(1), ("0"..."9").contains(next) else {
      return try integer(whole, radix: 10)
    }
    step()
    var text = Self.text(whole) + "." + Self.text(digits(radix: 10))
    if peek() == "e" || peek() == "E" {
      step()
      text += "e"
      if let sign = peek(), sign == "-" || sign == "+" {
        text.unicodeScalars.append(sign)
        step()
      }
      text += Self.text(digits(radix: 10))
    }
    guard let value = Double(text), value.isFinite else { throw bad }
    return .float(value)
  }

  /// Reads digits; two digits may have a `_` between them.
  private mutating func digits(radix: UInt32) -> [UInt8] {
    var digits: [UInt8] = []
    while let scalar = peek() {
      if let digit = Self.digit(scalar, radix: radix) {
        digits.append(digit)
      } else if scalar != "_" || digits.isEmpty
        || peek(1).flatMap({ Self.digit($0, radix: radix) }) == nil
      {
        break
      }
      step()
    }
    return digits
  }

  private func integer(_ digits: [UInt8], radix: UInt32) throws(TermError) -> Term {
    guard let value = BigInteger(isNegative: false, digits: digits, radix: radix) else {
      throw fault(.numberTooLarge)
    }
    return .integer(isNegative: false, magnitude: value.magnitude)
  }
}

// MARK: - Character classes

extension TextScanner {
  static let reservedWords: Set<String> = [
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case",
    "catch", "cond", "div", "end", "fun", "if", "let", "not", "of", "or", "orelse", "receive",
    "rem", "try", "when", "xor",
  ]

  private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "b": "\u{8}", "d": "\u{7F}", "e": "\u{1B}", "f": "\u{C}", "n": "\n", "r": "\r", "s": " ",
    "t": "\t", "v": "\u{B}",
  ]

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value <= 32 || (128...160).contains(scalar.value)
  }

  private static func isLower(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("ß"..."ÿ").contains(scalar) && scalar != "÷"
  }

  private static func isUpper(_ scalar: Unicode.Scalar) -> Bool {
    ("A"..."Z").contains(scalar) || ("À"..."Þ").contains(scalar) && scalar != "×"
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    isLower(scalar) || isUpper(scalar) || ("0"..."9").contains(scalar) || scalar == "_"
      || scalar == "@"
  }

  private static func digit(_ scalar: Unicode.Scalar, radix: UInt32) -> UInt8? {
    let value: UInt32
    switch scalar {
    case "0"..."9": value = scalar.value - 48
    case "a"..."z": value = scalar.value - 87
    case "A"..."Z": value = scalar.value - 55
    default: return nil
    }
    return value < radix ? UInt8(value) : nil
  }

  private static func small(_ digits: [UInt8]) -> Int? {
    Int(text(digits))
  }

  private static func text(_ digits: [UInt8]) -> String {
    String(decoding: digits.map { $0 + 48 }, as: UTF8.self)
  }
}
