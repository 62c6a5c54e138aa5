/// A valid JSON number whose value was not computed yet.
public struct JSONNumber {
  public let bytes: UnsafeBufferPointer<UInt8>
  /// Whether the number has neither fraction nor exponent.
  public let isPlain: Bool
}

extension JSONScanner {
  /// Reads a number without computing its value.
  public mutating func number() throws(JSONFault) -> JSONNumber {
    guard let first = peek() else { throw .malformed }
    let start = position
    if first == UInt8(ascii: "-") { position += 1 }
    let whole = position
    let digits = try passDigits()
    guard digits == 1 || bytes[whole] != UInt8(ascii: "0") else { throw .malformed }
    var isPlain = true
    if isNext(UInt8(ascii: "."), UInt8(ascii: ".")) {
      isPlain = false
      position += 1
      _ = try passDigits()
    }
    if isNext(UInt8(ascii: "e"), UInt8(ascii: "E")) {
      isPlain = false
      position += 1
      if isNext(UInt8(ascii: "+"), UInt8(ascii: "-")) { position += 1 }
      _ = try passDigits()
    }
    return JSONNumber(
      bytes: UnsafeBufferPointer(rebasing: bytes[start..<position]), isPlain: isPlain)
  }

  private func isNext(_ one: UInt8, _ other: UInt8) -> Bool {
    position < bytes.count && (bytes[position] == one || bytes[position] == other)
  }

  /// - Returns: the number of digits, at least one.
  private mutating func passDigits() throws(JSONFault) -> Int {
    let start = position
    while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
    guard position > start else { throw .malformed }
    return position - start
  }

  @inlinable public mutating func integer<Value: FixedWidthInteger & Decodable>(
    _: Value.Type = Value.self
  )
    throws(JSONFault) -> Value
  {
    guard let first = peek(), first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") < 10 else {
      throw .unfit
    }
    guard let value = try number().integer(Value.self) else { throw .unfit }
    return value
  }
}

extension JSONNumber {
  /// - Returns: nil if the number is not whole or does not fit.
  @inlinable public func integer<Value: FixedWidthInteger & Decodable>(_: Value.Type) -> Value? {
    // reltui never writes `12.0` or `1e3`, so JSONDecoder may read them, slowly.
    guard isPlain else { return try? JSON.decode(Value.self, from: Array(bytes)) }
    let isNegative = bytes.first == UInt8(ascii: "-")
    var value: Value = 0
    for byte in isNegative ? bytes.dropFirst() : bytes[...] {
      let digit = Value(truncatingIfNeeded: byte &- UInt8(ascii: "0"))
      let (tenfold, isTooGreat) = value.multipliedReportingOverflow(by: 10)
      // A negative number is computed downwards: the least integer has no positive counterpart.
      let (sum, overflows) =
        isNegative
        ? tenfold.subtractingReportingOverflow(digit) : tenfold.addingReportingOverflow(digit)
      if isTooGreat || overflows { return nil }
      value = sum
    }
    return value
  }
}
