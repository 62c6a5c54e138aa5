/// JSON from outside (RFC 8259, UTF-8), checked strictly and without white space; strings and numbers keep their bytes.
///
/// Half a surrogate pair is refused, as by many other readers. A name may occur twice, as the RFC allows. Half of a
/// surrogate pair is refused, as many other readers refuse it. A name may stand twice, as the RFC allows.
public struct CompactJSON: Hashable, Sendable {
  /// The JSON without white space outside strings.
  public private(set) var bytes: [UInt8] = []
  /// The members of an object, in order; nil for any other value.
  public private(set) var members: [Member]?

  public struct Member: Hashable, Sendable {
    public var name: String
    /// The place of the member's value in `bytes`.
    public var range: Range<Int>
  }

  public enum Fault: Error, Hashable, Sendable {
    /// The text stops being JSON near this byte, counted from 1.
    case malformed(byte: Int)
    case tooDeep
  }

  /// - Parameter deepest: how deep objects and arrays may be nested.
  public init(_ text: [UInt8], deepest: Int = 64) throws(Fault) {
    let fault: Fault? = text.withUnsafeBufferPointer { text in
      var scanner = JSONScanner(text)
      do throws(JSONFault) {
        let isFlat = try copy(&scanner, deepest)
        if !isFlat { return .tooDeep }
        try scanner.end()
        return nil
      } catch { return .malformed(byte: scanner.position + 1) }
    }
    if let fault { throw fault }
  }

  public subscript(_ name: String) -> ArraySlice<UInt8>? {
    (members?.first { $0.name == name }?.range).map { bytes[$0] }
  }

  /// The text of a JSON string; nil for any other value.
  public static func text(_ value: ArraySlice<UInt8>) -> String? {
    value.withUnsafeBufferPointer { bytes in
      var scanner = JSONScanner(bytes)
      return try? scanner.string()
    }
  }

  /// Copies one value.
  /// - Returns: false if it is nested too deeply.
  private mutating func copy(_ scanner: inout JSONScanner, _ deepest: Int) throws(JSONFault) -> Bool
  {
    switch scanner.peek() {
    case UInt8(ascii: "{"): return try copyObject(&scanner, deepest)
    case UInt8(ascii: "["):
      if deepest == 0 { return false }
      var list = try scanner.open(.array)
      bytes.append(UInt8(ascii: "["))
      while try scanner.next(in: &list) {
        separate()
        guard try copy(&scanner, deepest - 1) else { return false }
      }
      bytes.append(UInt8(ascii: "]"))
    case UInt8(ascii: "\""): _ = try copy(scanner.text())
    default:
      let start = scanner.position
      try scanner.skipValue()
      bytes += scanner.bytes[start..<scanner.position]
    }
    return true
  }

  private mutating func copyObject(_ scanner: inout JSONScanner, _ deepest: Int) throws(JSONFault)
    -> Bool
  {
    if deepest == 0 { return false }
    let isWhole = bytes.isEmpty
    var members: [Member] = []
    var list = try scanner.open(.object)
    bytes.append(UInt8(ascii: "{"))
    while let key = try scanner.key(in: &list) {
      separate()
      let name = try copy(key)
      bytes.append(UInt8(ascii: ":"))
      let start = bytes.count
      guard try copy(&scanner, deepest - 1) else { return false }
      if isWhole { members.append(Member(name: name, range: start..<bytes.count)) }
    }
    bytes.append(UInt8(ascii: "}"))
    if isWhole { self.members = members }
    return true
  }

  private mutating func copy(_ text: JSONString) throws(JSONFault) -> String {
    bytes.append(UInt8(ascii: "\""))
    bytes += text.bytes
    bytes.append(UInt8(ascii: "\""))
    return try text.string()
  }

  /// Writes a comma unless the value is the first of its list.
  private mutating func separate() {
    if bytes.last != UInt8(ascii: "["), bytes.last != UInt8(ascii: "{") {
      bytes.append(UInt8(ascii: ","))
    }
  }
}
