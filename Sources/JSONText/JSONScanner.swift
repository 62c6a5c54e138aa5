/// Why a value could not be read.
package enum JSONFault: Error {
  /// The text is not JSON, or is nested too deeply.
  case malformed
  /// The text is JSON, but of another kind than the caller reads.
  case unfit
}

/// A pull parser for JSON (RFC 8259, UTF-8) that allocates only what the caller reads.
///
/// It is strict: no trailing commas, no bare control characters, only valid UTF-8. After a fault
/// the position is anywhere at or behind the value's start; to continue, set it back to the start
/// and skip the value.
package struct JSONScanner {
  /// Borrowed: a scanner must not outlive the closure that it was made in.
  package let bytes: UnsafeBufferPointer<UInt8>
  /// Never beyond the end of `bytes`.
  package var position = 0
  private var depth = 0

  /// The deepest nesting. It is the limit of JSONDecoder, so that both accept the same lines.
  package static var deepest: Int { 512 }

  package init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The next byte that is not white space; nil at the end.
  @inline(__always)
  package mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      case let byte: return byte
      }
    }
    return nil
  }

  /// Skips `byte` if it comes next.
  @inline(__always)
  package mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard let next = peek(), UInt32(next) == byte.value else { return false }
    position += 1
    return true
  }

  /// Skips `null` if it comes next.
  package mutating func takeNull() throws(JSONFault) -> Bool {
    guard peek() == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  package mutating func word(_ word: StaticString) throws(JSONFault) {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count else { throw .malformed }
    for index in 0..<word.utf8CodeUnitCount
    where bytes[position + index] != word.utf8Start[index] { throw .malformed }
    position = end
  }

  package mutating func end() throws(JSONFault) {
    guard peek() == nil else { throw .malformed }
  }
}

/// The state of reading an object or array.
package struct JSONList {
  package enum Kind { case object, array }
  package let kind: Kind
  fileprivate var isFirst = true
}

extension JSONScanner {
  package mutating func open(_ kind: JSONList.Kind) throws(JSONFault) -> JSONList {
    guard take(kind == .object ? "{" : "[") else { throw .unfit }
    guard depth < Self.deepest else { throw .malformed }
    depth += 1
    return JSONList(kind: kind)
  }

  /// Moves to the next element of an array; false after the last.
  package mutating func next(in list: inout JSONList) throws(JSONFault) -> Bool {
    if take(list.kind == .object ? "}" : "]") {
      depth -= 1
      return false
    }
    guard list.isFirst || take(",") else { throw .malformed }
    list.isFirst = false
    return true
  }

  /// Moves to the value of an object's next member and returns its key; nil after the last.
  package mutating func key(in list: inout JSONList) throws(JSONFault) -> JSONString? {
    guard try next(in: &list) else { return nil }
    guard peek() == UInt8(ascii: "\"") else { throw .malformed }
    let key = try text()
    guard take(":") else { throw .malformed }
    return key
  }

  /// Skips a value of any kind and depth, without recursion.
  package mutating func skipValue() throws(JSONFault) {
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
