/// Why a value could not be read.
public enum JSONFault: Error {
  /// The text is not JSON, or is nested too deeply.
  case malformed
  /// The text is JSON, but of another kind than the caller reads.
  case unfit
}

/// A pull parser for JSON (RFC 8259, UTF-8) that allocates only what the caller reads.
///
/// It is strict: no trailing commas, no bare control characters, only valid UTF-8. After a fault the position is
/// anywhere at or behind the value's start; to continue, set it back to the start and skip the value.
///
/// What is generic or called for every byte is `@inlinable` (and therefore public): the reader of
/// events is in another module, and would run three times as long without.
public struct JSONScanner {
  /// Borrowed: a scanner must not outlive the closure that it was made in.
  public let bytes: UnsafeBufferPointer<UInt8>
  /// Never beyond the end of `bytes`.
  public var position = 0
  @usableFromInline var depth = 0

  /// The deepest nesting. It is the limit of JSONDecoder, so that both accept the same lines.
  @inlinable public static var deepest: Int { 512 }

  @inlinable public init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The next byte that is not white space; nil at the end.
  @inlinable @inline(__always)
  public mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      case let byte: return byte
      }
    }
    return nil
  }

  /// Skips `byte` if it comes next.
  @inlinable @inline(__always)
  public mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard let next = peek(), UInt32(next) == byte.value else { return false }
    position += 1
    return true
  }

  /// Skips `null` if it comes next.
  @inlinable public mutating func takeNull() throws(JSONFault) -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  public mutating func word(_ word: StaticString) throws(JSONFault) {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count else { throw .malformed }
    for index in 0..<word.utf8CodeUnitCount
    where bytes[position + index] != word.utf8Start[index] { throw .malformed }
    position = end
  }

  @inlinable public mutating func end() throws(JSONFault) {
    guard peek() == nil else { throw .malformed }
  }
}

/// The state of reading an object or array.
public struct JSONList {
  public enum Kind { case object, array }
  public let kind: Kind
  @usableFromInline var isFirst = true

  @inlinable init(kind: Kind) { self.kind = kind }
}

extension JSONScanner {
  @inlinable public mutating func open(_ kind: JSONList.Kind) throws(JSONFault) -> JSONList {
    guard take(kind == .object ? "{" : "[") else { throw .unfit }
    guard depth < Self.deepest else { throw .malformed }
    depth += 1
    return JSONList(kind: kind)
  }

  /// Moves to the next element of an array; false after the last.
  @inlinable public mutating func next(in list: inout JSONList) throws(JSONFault) -> Bool {
    if take(list.kind == .object ? "}" : "]") {
      depth -= 1
      return false
    }
    guard list.isFirst || take(",") else { throw .malformed }
    list.isFirst = false
    return true
  }

  /// Moves to the value of an object's next member and returns its key; nil after the last.
  @inlinable public mutating func key(in list: inout JSONList) throws(JSONFault) -> JSONString? {
    guard try next(in: &list) else { return nil }
    guard peek() == UInt8(ascii: "\"") else { throw .malformed }
    let key = try text()
    guard take(":") else { throw .malformed }
    return key
  }

  /// Skips a value of any kind and depth, without recursion.
  public mutating func skipValue() throws(JSONFault) {
    var open: [JSONList] = []
    repeat {
      if let innermost = open.indices.last {
        let goesOn =
          switch open[innermost].kind {
          case .object: try key(in: &open[innermost]) != nil
          case .array: try next(in: &open[innermost])
          }
        if !goesOn {
          open.removeLast()
          continue
        }
      }
      switch peek() {
      case UInt8(ascii: "{"): open.append(try self.open(.object))
      case UInt8(ascii: "["): open.append(try self.open(.array))
      case UInt8(ascii: "\""): _ = try text()
      case UInt8(ascii: "t"): try word("true")
      case UInt8(ascii: "f"): try word("false")
      case UInt8(ascii: "n"): try word("null")
      default: _ = try number()
      }
    } while !open.isEmpty
  }
}
