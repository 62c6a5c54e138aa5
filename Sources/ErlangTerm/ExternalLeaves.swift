// The decoding of terms that hold no other terms.

extension ExternalDecoder {
  mutating func leaf(_ tag: Tag, start: Int) throws(TermError) -> Term {
    switch tag {
    case .smallInteger: return .integer(Int(try byte()))
    case .integer: return .integer(Int(Int32(truncatingIfNeeded: try unsigned(4))))
    case .smallBig: return try big(count: Int(byte()), start: start)
    case .largeBig: return try big(count: Int(unsigned(4)), start: start)
    case .newFloat: return try finite(Double(bitPattern: unsigned(8)), start: start)
    case .float: return try finite(oldFloat(), start: start)
    case .nil: return .list([])
    case .string: return try string()
    case .binary: return .binary(Array(try take(Int(unsigned(4)))))
    case .bitBinary: return try bitBinary()
    case .atom, .smallAtom, .atomUTF8, .smallAtomUTF8:
      return .atom(try atomName(tag, start: start))
    case .pid, .newPid: return .pid(try pidFields(tag))
    case .port, .newPort, .v4Port: return .port(try portFields(tag))
    case .reference, .newReference, .newerReference:
      return .reference(try referenceFields(tag, start: start))
    case .export: return .export(try exportFields())
    case .compressed: throw .external(.compressed, offset: start)
    case .smallTuple, .largeTuple, .list, .map, .newFun:
      throw .external(.unsupportedTag(tag.rawValue), offset: start)
    }
  }

  private mutating func string() throws(TermError) -> Term {
    let start = position
    let characters = try take(Int(unsigned(2)))
    try hold(characters.count, start: start)
    return .list(characters.map { .integer(Int($0)) })
  }

  private mutating func big(count: Int, start: Int) throws(TermError) -> Term {
    guard count <= BigInteger.maximumBytes else {
      throw .external(.integerTooLarge(bytes: count), offset: start)
    }
    let sign = try byte()
    guard sign <= 1 else { throw .external(.badSign(sign), offset: position - 1) }
    return .integer(isNegative: sign == 1, magnitude: Array(try take(count)))
  }

  private func finite(_ value: Double?, start: Int) throws(TermError) -> Term {
    guard let value, value.isFinite else { throw .external(.badFloat, offset: start) }
    return .float(value)
  }

  /// `FLOAT_EXT`: 31 bytes as `printf("%.20e")` wrote them, filled up with zeros.
  private mutating func oldFloat() throws(TermError) -> Double? {
    let field = try take(31)
    let digits = field.prefix { $0 != 0 }
    guard digits.allSatisfy({ (48...57).contains($0) || "+-.e".utf8.contains($0) }) else {
      return nil
    }
    return Double(String(decoding: digits, as: UTF8.self))
  }

  private mutating func bitBinary() throws(TermError) -> Term {
    let count = Int(try unsigned(4))
    let bits = try byte()
    guard (1...8).contains(bits), count > 0 else {
      throw .external(.badBitCount(Int(bits)), offset: position - 1)
    }
    return .bits(Array(try take(count)), last: Int(bits))
  }

  // MARK: - Atoms

  mutating func atom() throws(TermError) -> String {
    let start = position
    guard let tag = Tag(rawValue: try byte()) else {
      throw .external(.notAnAtom, offset: start)
    }
    return try atomName(tag, start: start)
  }

  private mutating func atomName(_ tag: Tag, start: Int) throws(TermError) -> String {
    switch tag {
    case .atom: return try latin1(Int(unsigned(2)), start: start)
    case .smallAtom: return try latin1(Int(byte()), start: start)
    case .atomUTF8: return try utf8(Int(unsigned(2)), start: start)
    case .smallAtomUTF8: return try utf8(Int(byte()), start: start)
    default: throw .external(.notAnAtom, offset: start)
    }
  }

  private mutating func latin1(_ count: Int, start: Int) throws(TermError) -> String {
    guard count <= Term.maximumAtomLength else {
      throw .external(.atomTooLong(characters: count), offset: start)
    }
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: try take(count).map { Unicode.Scalar($0) })
    return String(scalars)
  }

  private mutating func utf8(_ count: Int, start: Int) throws(TermError) -> String {
    let bytes = try take(count)
    // Most names are ASCII, and validating takes time.
    let isPlain = bytes.allSatisfy { $0 < 0x80 }
    if isPlain, count <= Term.maximumAtomLength { return String(decoding: bytes, as: UTF8.self) }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw .external(.notUTF8, offset: start)
    }
    let length = name.unicodeScalars.count
    guard length <= Term.maximumAtomLength else {
      throw .external(.atomTooLong(characters: length), offset: start)
    }
    return name
  }

  // MARK: - Identifiers

  mutating func pid() throws(TermError) -> Term.Pid {
    let start = position
    guard let tag = Tag(rawValue: try byte()), tag == .pid || tag == .newPid else {
      throw .external(.notAPid, offset: start)
    }
    return try pidFields(tag)
  }

  mutating func smallInteger() throws(TermError) -> Int {
    let start = position
    switch Tag(rawValue: try byte()) {
    case .smallInteger: return Int(try byte())
    case .integer: return Int(Int32(truncatingIfNeeded: try unsigned(4)))
    default: throw .external(.notASmallInteger, offset: start)
    }
  }

  private mutating func word() throws(TermError) -> UInt32 {
    UInt32(truncatingIfNeeded: try unsigned(4))
  }

  private mutating func creation(isWide: Bool) throws(TermError) -> UInt32 {
    isWide ? try word() : UInt32(try byte())
  }

  private mutating func pidFields(_ tag: Tag) throws(TermError) -> Term.Pid {
    Term.Pid(
      node: try atom(), id: try word(), serial: try word(),
      creation: try creation(isWide: tag == .newPid))
  }

  private mutating func portFields(_ tag: Tag) throws(TermError) -> Term.Port {
    Term.Port(
      node: try atom(), id: try unsigned(tag == .v4Port ? 8 : 4),
      creation: try creation(isWide: tag != .port))
  }

  private mutating func referenceFields(_ tag: Tag, start: Int) throws(TermError) -> Term.Reference
  {
    if tag == .reference {
      let (node, id) = (try atom(), try word())
      return Term.Reference(node: node, creation: try creation(isWide: false), words: [id])
    }
    let count = Int(try unsigned(2))
    guard (1...Term.maximumReferenceWords).contains(count) else {
      throw .external(.badReferenceLength(count), offset: start)
    }
    let node = try atom()
    let creation = try creation(isWide: tag == .newerReference)
    var words: [UInt32] = []
    for _ in 0..<count { words.append(try word()) }
    return Term.Reference(node: node, creation: creation, words: words)
  }

  private mutating func exportFields() throws(TermError) -> Term.Export {
    let (module, function) = (try atom(), try atom())
    let start = position
    guard try byte() == Tag.smallInteger.rawValue else {
      throw .external(.notASmallInteger, offset: start)
    }
    return Term.Export(module: module, function: function, arity: try byte())
  }
}

extension Term {
  /// Counted in characters, not bytes.
  static let maximumAtomLength = 255
  static let maximumReferenceWords = 5
}
