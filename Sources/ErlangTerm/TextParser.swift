// A parser of terms. As in the decoder of the external format, `term` is kept small and handles only containers,
// because its frame is on the stack once for each level of nesting.

struct TextParser {
  private var scanner: TextScanner
  private var token: Token

  init(_ scalars: [Unicode.Scalar]) throws(TermError) {
    scanner = TextScanner(scalars)
    token = try scanner.next()
  }

  var isAtEnd: Bool { token.kind == .end }

  @discardableResult
  mutating func skipFullStop() throws(TermError) -> Bool {
    guard token.kind == .fullStop else { return false }
    try advance()
    return true
  }

  func fault(_ fault: TermFault) -> TermError {
    .text(fault, line: token.line, column: token.column)
  }

  mutating func term(depth: Int) throws(TermError) -> Term {
    guard depth <= TextFormat.maximumDepth else {
      throw fault(.tooDeep(limit: TextFormat.maximumDepth))
    }
    if try skip("{") {
      let elements = try terms(until: "}", depth: depth)
      try expect("}")
      return .tuple(elements)
    }
    if try skip("[") { return try list(depth: depth) }
    if try skip("#") { return .map(try entries(depth: depth)) }
    return try leaf()
  }

  private mutating func terms(until end: String, depth: Int) throws(TermError) -> [Term] {
    var elements: [Term] = []
    if token.kind == .sign(end) { return elements }
    repeat {
      elements.append(try term(depth: depth + 1))
    } while try skip(",")
    return elements
  }

  private mutating func list(depth: Int) throws(TermError) -> Term {
    let elements = try terms(until: "]", depth: depth)
    guard !elements.isEmpty, try skip("|") else {
      try expect("]")
      return .list(elements)
    }
    let tail = try term(depth: depth + 1)
    try expect("]")
    return .list(elements, tail: tail)
  }

  private mutating func entries(depth: Int) throws(TermError) -> [Term: Term] {
    try expect("{")
    var entries: [Term: Term] = [:]
    if try skip("}") { return entries }
    repeat {
      let duplicate = fault(.duplicateKey)
      let key = try term(depth: depth + 1)
      try expect("=>")
      let value = try term(depth: depth + 1)
      guard entries.updateValue(value, forKey: key) == nil else { throw duplicate }
    } while try skip(",")
    try expect("}")
    return entries
  }

  private mutating func leaf() throws(TermError) -> Term {
    switch token.kind {
    case .atom: return .atom(try atom())
    case .number(let value):
      try advance()
      return value
    case .string: return .list(try string().map { .integer(Int($0.value)) })
    case .reserved("fun"): return try export()
    case .sign("-"), .sign("+"): return try signedNumber()
    case .sign("<<"): return try binary()
    default: throw unexpected
    }
  }

  private mutating func atom() throws(TermError) -> String {
    guard case .atom(let name) = token.kind else { throw unexpected }
    let length = name.unicodeScalars.count
    guard length <= Term.maximumAtomLength else {
      throw fault(.atomTooLong(characters: length))
    }
    try advance()
    return name
  }

  /// Adjacent strings form one string.
  private mutating func string() throws(TermError) -> [Unicode.Scalar] {
    var content: [Unicode.Scalar] = []
    while case .string(let part) = token.kind {
      content += part
      try advance()
    }
    return content
  }

  private mutating func signedNumber() throws(TermError) -> Term {
    let isNegative = try skip("-")
    if !isNegative { try expect("+") }
    guard case .number(let value) = token.kind else { throw unexpected }
    try advance()
    guard isNegative else { return value }
    switch value {
    case .float(let value): return .float(-value)
    case .integer(let value): return .integer(-value)
    case .bigInteger(let big): return .integer(isNegative: true, magnitude: big.magnitude)
    default: return value
    }
  }

  /// `fun Module:Function/Arity`
  private mutating func export() throws(TermError) -> Term {
    try advance()
    let module = try atom()
    try expect(":")
    let function = try atom()
    try expect("/")
    guard case .number(.integer(let number)) = token.kind, let arity = UInt8(exactly: number)
    else { throw unexpected }
    try advance()
    return .export(Term.Export(module: module, function: function, arity: arity))
  }

  // MARK: - Binaries

  private mutating func binary() throws(TermError) -> Term {
    try expect("<<")
    var bits = BitWriter()
    if try skip(">>") { return .binary([]) }
    repeat {
      try segment(into: &bits)
    } while try skip(",")
    try expect(">>")
    return .bits(bits.bytes, last: bits.used)
  }

  /// A string, or an integer of up to 64 bits; without a size it has 8. An integer that does not fit is truncated, as
  /// in Erlang.
  private mutating func segment(into bits: inout BitWriter) throws(TermError) {
    let bad = fault(.badSegment)
    if case .string = token.kind {
      let content = try string()
      if try skip("/") {
        guard try atom() == "utf8" else { throw bad }
        for byte in content.map(String.init).joined().utf8 { bits.append(Int(byte), count: 8) }
        return
      }
      for scalar in content {
        guard let byte = UInt8(exactly: scalar.value) else { throw bad }
        bits.append(Int(byte), count: 8)
      }
      return
    }
    guard case .integer(let value) = try leaf() else { throw bad }
    var count = 8
    if try skip(":") {
      guard case .number(.integer(let size)) = token.kind, (0...64).contains(size) else {
        throw unexpected
      }
      try advance()
      count = size
    }
    bits.append(value, count: count)
  }

  // MARK: - Tokens

  private mutating func advance() throws(TermError) {
    token = try scanner.next()
  }

  private mutating func skip(_ sign: String) throws(TermError) -> Bool {
    guard token.kind == .sign(sign) else { return false }
    try advance()
    return true
  }

  private mutating func expect(_ sign: String) throws(TermError) {
    guard try skip(sign) else { throw unexpected }
  }

  private var unexpected: TermError {
    switch token.kind {
    case .end: fault(.unexpectedEnd)
    case .fullStop: fault(.unexpected("."))
    case .atom(let name), .reserved(let name), .variable(let name), .sign(let name):
      fault(.unexpected(name))
    case .number(let value): fault(.unexpected(value.description))
    case .string: fault(.unexpected("\""))
    }
  }
}

struct BitWriter {
  private(set) var bytes: [UInt8] = []
  /// How many bits of the last byte are used: 1…7, or 0 for all.
  private(set) var used = 0

  /// Appends the `count` least significant bits of `value`.
  mutating func append(_ value: Int, count: Int) {
    for shift in (0..<count).reversed() {
      if used == 0 { bytes.append(0) }
      bytes[bytes.count - 1] |= UInt8(value >> shift & 1) << UInt8(7 - used)
      used = (used + 1) % 8
    }
  }
}
