/// Why bytes or a text are no term, or a term can't be encoded: facts, and one sentence each.
public enum TermError: Error, Hashable, Sendable {
  /// Bytes in external term format; `offset` is that of the byte where the faulty part begins.
  case external(ExternalFault, offset: Int)
  /// Term text; line and column count from 1, columns in code points.
  case text(TextFault, line: Int, column: Int)
  /// A term that the external term format has no place for.
  case unencodable(EncodingFault)
}

public enum ExternalFault: Hashable, Sendable {
  /// The input ends `missing` bytes (at least) too early.
  case truncated(missing: Int)
  case badVersion(UInt8)
  case unsupportedTag(UInt8)
  /// Tag 80: the term is compressed by zlib, which this reader has not.
  case compressed
  case tooDeep(limit: Int)
  /// With all that it holds, the term takes more memory than it should.
  case tooManyTerms(limit: Int)
  case integerTooLarge(bytes: Int)
  case atomTooLong(characters: Int)
  case notUTF8
  case notAnAtom
  case notAPid
  case notASmallInteger
  case badFloat
  case badBitCount(UInt8)
  case badSign(UInt8)
  case badReferenceLength(Int)
  case badFunSize(stated: Int, actual: Int)
  case duplicateKey
  case trailingBytes(Int)
}

public enum TextFault: Hashable, Sendable {
  /// This word or sign has no place here.
  case unexpected(String)
  case unexpectedEnd
  /// A quoted atom, a string or a character without its end.
  case unterminated(quote: Character)
  case badEscape
  case badNumber
  case badSegment
  case integerTooLarge
  case atomTooLong(characters: Int)
  case duplicateKey
  case tooDeep(limit: Int)
  case missingFullStop
  case notUTF8
  /// One term was asked for and the text goes on.
  case moreThanOneTerm
}

public enum EncodingFault: Hashable, Sendable {
  case atomTooLong(characters: Int)
  case integerTooLarge(bytes: Int)
  case notFinite
  case tooDeep(limit: Int)
  case badReferenceLength(Int)
  case badUniqLength(Int)
  case badBitCount(Int)
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

extension ExternalFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .truncated(let missing): "the input ends at least \(missing) bytes too early"
    case .badVersion(let byte): "version byte \(byte) instead of 131"
    case .unsupportedTag(let tag): "unsupported tag \(tag)"
    case .compressed: "compressed term (unsupported)"
    case .tooDeep(let limit): "nested deeper than \(limit)"
    case .tooManyTerms(let limit): "more than \(limit) terms in one"
    case .integerTooLarge(let bytes): "integer of \(bytes) bytes"
    case .atomTooLong(let characters): "atom of \(characters) characters"
    case .notUTF8: "text that is not UTF-8"
    case .notAnAtom: "something other than an atom"
    case .notAPid: "something other than a pid"
    case .notASmallInteger: "something other than a small integer"
    case .badFloat: "bad float"
    case .badBitCount(let bits): "last byte of \(bits) bits"
    case .badSign(let sign): "sign byte \(sign)"
    case .badReferenceLength(let words): "reference of \(words) words"
    case .badFunSize(let stated, let actual): "fun of \(actual) bytes that claims \(stated)"
    case .duplicateKey: "map with a key twice"
    case .trailingBytes(let count): "\(count) bytes after the term"
    }
  }
}

extension TextFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unexpected(let found): "unexpected '\(found)'"
    case .unexpectedEnd: "unexpected end"
    case .unterminated(let quote): "\(quote) without its end"
    case .badEscape: "bad escape"
    case .badNumber: "bad number"
    case .badSegment: "bad binary segment"
    case .integerTooLarge: "integer of more than \(BigInteger.maximumBytes) bytes"
    case .atomTooLong(let characters): "atom of \(characters) characters"
    case .duplicateKey: "map with a key twice"
    case .tooDeep(let limit): "nested deeper than \(limit)"
    case .missingFullStop: "term without a full stop"
    case .notUTF8: "text that is not UTF-8"
    case .moreThanOneTerm: "more than one term"
    }
  }
}

extension EncodingFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .atomTooLong(let characters): "atom of \(characters) characters"
    case .integerTooLarge(let bytes): "integer of \(bytes) bytes"
    case .notFinite: "float that is not finite"
    case .tooDeep(let limit): "nested deeper than \(limit)"
    case .badReferenceLength(let words): "reference of \(words) words"
    case .badUniqLength(let bytes): "fun with a digest of \(bytes) bytes"
    case .badBitCount(let bits): "last byte of \(bits) bits"
    case .tooManyElements(let count): "\(count) elements"
    }
  }
}
