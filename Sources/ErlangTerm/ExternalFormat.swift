/// An encoder and decoder of the external term format.
///
/// Source: "Erlang External Term Format", ERTS User's Guide.
public enum ExternalFormat {
  /// The first byte of every encoded term.
  public static let version: UInt8 = 131

  /// The deepest nesting of terms, when decoded and when encoded. With it 512 KiB of stack are enough, also without
  /// optimization.
  public static let maximumDepth = 128

  /// The most terms in a decoded one: a byte can become a term of some hundred bytes in memory.
  public static let maximumTerms = 1 << 19

  /// The one term that `bytes` hold.
  ///
  /// - Throws: `TermError.external` with the offset of the faulty part, also if bytes follow the term. The memory used
  ///   is in proportion to the input, whatever counts the input claims.
  public static func decode(_ bytes: [UInt8]) throws(TermError) -> Term {
    let (term, end) = try decode(bytes, from: 0)
    guard end == bytes.count else {
      throw .external(.trailingBytes(bytes.count - end), offset: end)
    }
    return term
  }

  /// The term that begins at `offset`, and the offset of what follows it.
  /// - Parameter isInner: whether the version byte is missing, as inside another term.
  public static func decode(
    _ bytes: [UInt8], from offset: Int, isInner: Bool = false
  ) throws(TermError) -> (term: Term, end: Int) {
    var decoder = ExternalDecoder(bytes: bytes, position: max(0, offset))
    if isInner { return (try decoder.term(depth: 1), decoder.position) }
    let version = try decoder.byte()
    guard version == Self.version else {
      throw .external(.badVersion(version), offset: decoder.position - 1)
    }
    let term = try decoder.term(depth: 1)
    return (term, decoder.position)
  }

  /// The term with its version byte, in the tags that OTP 26 and later write: atoms in UTF-8, new pids, ports and
  /// references. Equal terms give equal bytes; keys of maps are in the order of their encoding.
  public static func encode(_ term: Term) throws(TermError) -> [UInt8] {
    var bytes: [UInt8] = []
    try encode(term, onto: &bytes)
    return bytes
  }

  /// Appends the encoded term to the bytes; after an error they are not valid.
  /// - Parameter isInner: whether to leave out the version byte, as inside another term.
  public static func encode(
    _ term: Term, onto bytes: inout [UInt8], isInner: Bool = false
  ) throws(TermError) {
    if !isInner { bytes.append(version) }
    var encoder = ExternalEncoder(bytes: bytes)
    // The encoder must be the only owner of the bytes, or appending would copy them.
    bytes = []
    try encoder.append(term, depth: 1)
    bytes = encoder.bytes
  }
}

enum Tag: UInt8 {
  case newFloat = 70
  case bitBinary = 77
  case compressed = 80
  case newPid = 88
  case newPort = 89
  case newerReference = 90
  case smallInteger = 97
  case integer = 98
  case float = 99
  case atom = 100
  case reference = 101
  case port = 102
  case pid = 103
  case smallTuple = 104
  case largeTuple = 105
  case `nil` = 106
  case string = 107
  case list = 108
  case binary = 109
  case smallBig = 110
  case largeBig = 111
  case newFun = 112
  case export = 113
  case newReference = 114
  case smallAtom = 115
  case map = 116
  case atomUTF8 = 118
  case smallAtomUTF8 = 119
  case v4Port = 120
}
