/// JSON from outside (RFC 8259, UTF-8), checked strictly; what stands between its parts is taken out, so that strings
/// and numbers keep their bytes.
///
/// Half of a surrogate pair is refused: many who read on would refuse it too. A name may stand twice, as the RFC has it.
public struct CompactJSON: Hashable, Sendable {
  /// Without white space outside of strings.
  public let bytes: [UInt8]
  /// Of the object that it is, in order; nil for any other value.
  public let members: [Member]?

  public struct Member: Hashable, Sendable {
    public var name: String
    /// Where its value stands in `bytes`.
    public var range: Range<Int>
  }

  /// What is wrong, and how many bytes stand before it.
  public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    public var what: String
    public var offset: Int

    public var description: String { "\(what) at byte \(offset + 1)" }
  }

  /// - Parameter deepest: how many objects and arrays may be within each other.
  public init(_ text: [UInt8], deepest: Int = 64) throws(Fault) {
    guard (try? UTF8Span(validating: text.span)) != nil else {
      throw Fault(what: "there is a byte that is not UTF-8", offset: 0)
    }
    var scan = Scan(text: text, deepest: deepest)
    try scan.value(depth: 0)
    if scan.next() != nil { throw scan.fault("there is more than one value") }
    (bytes, members) = (scan.result, scan.members)
  }

  /// The value of the first member of that name.
  public subscript(_ name: String) -> ArraySlice<UInt8>? {
    (members?.first { $0.name == name }?.range).map { bytes[$0] }
  }

  /// The text of a JSON string; nil for any other value.
  public static func text(_ value: ArraySlice<UInt8>) -> String? {
    guard value.first == UInt8(ascii: "\"") else { return nil }
    let inner = value.dropFirst().dropLast()
    if !inner.contains(UInt8(ascii: "\\")) { return String(decoding: inner, as: UTF8.self) }
    return try? JSON.decode([String].self, from: [UInt8(ascii: "[")] + value + [UInt8(ascii: "]")])
      .first
  }
}

private struct Scan {
  let text: [UInt8]
  let deepest: Int
  var place = 0
  var result: [UInt8] = []
  var members: [CompactJSON.Member]?

  init(text: [UInt8], deepest: Int) {
    (self.text, self.deepest) = (text, deepest)
    result.reserveCapacity(text.count)
  }

  func fault(_ what: String) -> CompactJSON.Fault { CompactJSON.Fault(what: what, offset: place) }

  /// The next byte that is no white space; nil at the end.
  mutating func next() -> UInt8? {
    while place < text.count {
      switch text[place] {
      case 0x20, 0x0A, 0x0D, 0x09: place += 1
      case let byte: return byte
      }
    }
    return nil
  }

  private mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard let next = next(), UInt32(next) == byte.value else { return false }
    result.append(next)
    place += 1
    return true
  }

  mutating func value(depth: Int) throws(CompactJSON.Fault) {
    switch next() {
    case UInt8(ascii: "{"): try object(depth: depth)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    case let byte?: try number(byte)
    case nil: throw fault("a value is missing")
    }
  }

  private mutating func object(depth: Int) throws(CompactJSON.Fault) {
    if depth >= deepest { throw fault("it is nested deeper than \(deepest)") }
    if depth == 0 { members = [] }
    _ = take("{")
    if take("}") { return }
    repeat {
      guard next() == UInt8(ascii: "\"") else { throw fault("a name is missing") }
      let name = result.count
      try string()
      let start = result.count
      guard take(":") else { throw fault("a ':' is missing") }
      try value(depth: depth + 1)
      if depth == 0, let text = CompactJSON.text(result[name..<start]) {
        members?.append(CompactJSON.Member(name: text, range: (start + 1)..<result.count))
      }
    } while take(",")
    guard take("}") else { throw fault("a ',' or '}' is missing") }
  }

  private mutating func array(depth: Int) throws(CompactJSON.Fault) {
    if depth >= deepest { throw fault("it is nested deeper than \(deepest)") }
    _ = take("[")
    if take("]") { return }
    repeat { try value(depth: depth + 1) } while take(",")
    guard take("]") else { throw fault("a ',' or ']' is missing") }
  }

  private mutating func word(_ word: String) throws(CompactJSON.Fault) {
    guard text[place...].starts(with: word.utf8) else { throw fault("a value is missing") }
    result += word.utf8
    place += word.utf8.count
  }

  private mutating func number(_ first: UInt8) throws(CompactJSON.Fault) {
    if first != UInt8(ascii: "-"), !(48...57).contains(first) { throw fault("a value is missing") }
    let start = place
    func digits(from place: Int) -> Int {
      text[place...].prefix { (48...57).contains($0) }.count
    }
    if first == UInt8(ascii: "-") { place += 1 }
    let whole = digits(from: place)
    if whole == 0 || whole > 1 && text[place] == UInt8(ascii: "0") {
      throw fault("a number is wrong")
    }
    place += whole
    if place < text.count, text[place] == UInt8(ascii: ".") {
      place += 1
      let count = digits(from: place)
      if count == 0 { throw fault("a number is wrong") }
      place += count
    }
    if place < text.count, text[place] | 0x20 == UInt8(ascii: "e") {
      place += 1
      if place < text.count, text[place] == UInt8(ascii: "+") || text[place] == UInt8(ascii: "-") {
        place += 1
      }
      let count = digits(from: place)
      if count == 0 { throw fault("a number is wrong") }
      place += count
    }
    result += text[start..<place]
  }

  private mutating func string() throws(CompactJSON.Fault) {
    let start = place
    place += 1
    while place < text.count {
      switch text[place] {
      case UInt8(ascii: "\""):
        place += 1
        result += text[start..<place]
        return
      case UInt8(ascii: "\\"): try escape()
      case 0..<0x20: throw fault("there is a control character in a string")
      default: place += 1
      }
    }
    throw fault("a string has no end")
  }

  private mutating func escape() throws(CompactJSON.Fault) {
    guard place + 1 < text.count else { throw fault("a string has no end") }
    switch text[place + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      place += 2
    case UInt8(ascii: "u"):
      guard let first = unit(at: place) else { throw fault("an escape is wrong") }
      let isPair =
        (0xD800...0xDBFF).contains(first)
        && unit(at: place + 6).map { (0xDC00...0xDFFF).contains($0) } == true
      if !isPair, (0xD800...0xDFFF).contains(first) { throw fault("an escape is no character") }
      place += isPair ? 12 : 6
    default: throw fault("an escape is wrong")
    }
  }

  /// `\uXXXX`
  private func unit(at place: Int) -> UInt32? {
    guard place + 6 <= text.count, text[place] == UInt8(ascii: "\\"),
      text[place + 1] == UInt8(ascii: "u")
    else { return nil }
    var unit: UInt32 = 0
    for byte in text[(place + 2)..<(place + 6)] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        return nil
      }
      unit = unit << 4 | UInt32(digit)
    }
    return unit
  }
}
