/// The reason why bytes or a text cannot be read as a term, or a term cannot be encoded.
public enum TermError: Error, Hashable, Sendable {
  /// A fault in bytes of the external term format; the faulty part begins at `offset`.
  case external(TermFault, offset: Int)
  /// A fault in the text of a term; line and column count from 1, columns in code points.
  case text(TermFault, line: Int, column: Int)
  /// A term that the external term format cannot hold.
  case unencodable(TermFault)
}

public enum TermFault: Hashable, Sendable {
  // In any form.
  case tooDeep(limit: Int)
  case atomTooLong(characters: Int)
  case integerTooLarge(bytes: Int)
  case badReferenceLength(Int)
  case badBitCount(Int)
  case duplicateKey
  case notUTF8

  // In the external term format.
  /// The input ends `missing` bytes (at least) too early.
  case truncated(missing: Int)
  case badVersion(UInt8)
  case unsupportedTag(UInt8)
  /// Tag 80: the term is compressed with zlib, which this reader does not support.
  case compressed
  /// The term and its nested terms would take too much memory.
  case tooManyTerms(limit: Int)
  case notAnAtom
  case notAPid
  case notASmallInteger
  case badFloat
  case badSign(UInt8)
  case badFunSize(stated: Int, actual: Int)
  case trailingBytes(Int)

  // In a text.
  /// This word or sign is not allowed here.
  case unexpected(String)
  case unexpectedEnd
  /// A quoted atom, a string or a character without its end.
  case unterminated(quote: Character)
  case badEscape
  case badNumber
  case badSegment
  case numberTooLarge
  case missingFullStop
  /// One term was expected, but the text continues.
  case moreThanOneTerm

  // In a term to be encoded.
  case notFinite
  case badUniqLength(Int)
  case tooManyElements(Int)
}

extension TermError: CustomStringConvertible {
  /// The fault in a few words, with its place.
  public var description: String {
    switch self {
    case .external(let fault, let offset): "\(fault) at byte \(offset)"
    case .text(let fault, let line, let column): "\(fault) at line \(line), column \(column)"
    case .unencodable(let fault): "can't encode: \(fault)"
    }
  }
}

extension TermFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooDeep(let limit): "nested deeper than \(limit)"
    case .atomTooLong(let characters): "atom of \(characters) characters"
    case .integerTooLarge(let bytes): "integer of \(bytes) bytes"
    case .badReferenceLength(let words): "reference of \(words) words"
    case .badBitCount(let bits): "last byte of \(bits) bits"
    case .duplicateKey: "map with a key twice"
    case .notUTF8: "text that is not UTF-8"
    case .truncated(let missing): "the input ends at least \(missing) bytes too early"
    case .badVersion(let byte): "version byte \(byte) instead of 131"
    case .unsupportedTag(let tag): "unsupported tag \(tag)"
    case .compressed: "compressed term (unsupported)"
    case .tooManyTerms(let limit): "more than \(limit) terms in one"
    case .notAnAtom: "something other than an atom"
    case .notAPid: "something other than a pid"
    case .notASmallInteger: "something other than a small integer"
    case .badFloat: "bad float"
    case .badSign(let sign): "sign byte \(sign)"
    case .badFunSize(let stated, let actual): "fun of \(actual) bytes that claims \(stated)"
    case .trailingBytes(let count): "\(count) bytes after the term"
    case .unexpected(let found): "unexpected '\(found)'"
    case .unexpectedEnd: "unexpected end"
    case .unterminated(let quote): "\(quote) without its end"
    case .badEscape: "bad escape"
    case .badNumber: "bad number"
    case .badSegment: "bad binary segment"
    case .numberTooLarge: "integer of more than \(BigInteger.maximumBytes) bytes"
    case .missingFullStop: "term without a full stop"
    case .moreThanOneTerm: "more than one term"
    case .notFinite: "float that is not finite"
    case .badUniqLength(let bytes): "fun with a digest of \(bytes) bytes"
    case .tooManyElements(let count): "\(count) elements"
    }
  }
}
