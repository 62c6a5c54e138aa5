/// The bytes between the quotes of a valid JSON string, with its escapes still in place.
public struct JSONString {
  public let bytes: UnsafeBufferPointer<UInt8>
  public let hasEscapes: Bool
}

extension JSONScanner {
  /// Reads a string without decoding it.
  public mutating func text() throws(JSONFault) -> JSONString {
    guard take("\"") else { throw .unfit }
    let start = position
    var (hasEscapes, isASCII) = (false, true)
    while true {
      isASCII = passPlain() && isASCII
      guard position < bytes.count else { throw .malformed }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        let text = UnsafeBufferPointer(rebasing: bytes[start..<position])
        position += 1
        guard isASCII || (try? UTF8Span(validating: text.span)) != nil else { throw .malformed }
        return JSONString(bytes: text, hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        hasEscapes = true
        try passEscape()
      default: throw .malformed
      }
    }
  }

  /// Moves to the next quote, backslash, control character or the end, eight bytes at a time.
  /// - Returns: whether all skipped bytes are ASCII.
  private mutating func passPlain() -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var high: UInt64 = 0
    while bytes.count - position >= 8 {
      let word = UInt64(
        littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(
          fromByteOffset: position, as: UInt64.self))
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      // Only the lowest set bit is exact; a borrow may have set those above it.
      let stops =
        ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash
          | (word &- ones &* 0x20) & ~word) & (ones &* 0x80)
      if stops != 0 {
        high |= word & (stops & (0 &- stops) &- 1)
        position += stops.trailingZeroBitCount / 8
        return high & (ones &* 0x80) == 0
      }
      high |= word
      position += 8
    }
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
      high |= UInt64(byte)
      position += 1
    }
    return high & (ones &* 0x80) == 0
  }

  private mutating func passEscape() throws(JSONFault) {
    guard bytes.count - position >= 2 else { throw .malformed }
    position += 2
    switch bytes[position - 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return
    case UInt8(ascii: "u"):
      guard bytes.count - position >= 4,
        bytes[position..<(position + 4)].allSatisfy({ Self.hexValue($0) != nil })
      else { throw .malformed }
      position += 4
    default: throw .malformed
    }
  }

  fileprivate static func hexValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  @inlinable public mutating func string() throws(JSONFault) -> String { try text().string() }
}

extension JSONString {
  /// The decoded text. Half a surrogate pair is a fault, because it is not a character.
  public func string() throws(JSONFault) -> String {
    guard hasEscapes else { return String(decoding: bytes, as: UTF8.self) }
    var plain: [UInt8] = []
    plain.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let name = rest.popFirst() else {
        plain.append(byte)
        continue
      }
      switch name {
      case UInt8(ascii: "b"): plain.append(0x08)
      case UInt8(ascii: "f"): plain.append(0x0C)
      case UInt8(ascii: "n"): plain.append(0x0A)
      case UInt8(ascii: "r"): plain.append(0x0D)
      case UInt8(ascii: "t"): plain.append(0x09)
      case UInt8(ascii: "u"):
        plain += String(try Self.scalar(&rest)).utf8
      default: plain.append(name)
      }
    }
    return String(decoding: plain, as: UTF8.self)
  }

  /// The character of a `\u` escape; a surrogate pair takes two escapes.
  private static func scalar(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) throws(JSONFault)
    -> Unicode.Scalar
  {
    let first = unit(&rest)
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800...0xDBFF).contains(first), rest.popFirst() == UInt8(ascii: "\\"),
      rest.popFirst() == UInt8(ascii: "u")
    else { throw .unfit }
    let second = unit(&rest)
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw .unfit }
    return scalar
  }

  /// The value of four hexadecimal digits, which were checked when the string was read.
  private static func unit(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      value = value << 4 | (rest.popFirst().flatMap(JSONScanner.hexValue) ?? 0)
    }
    return value
  }
}
