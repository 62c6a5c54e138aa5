/// A decoded string of a JSON text, with the place of each byte there (RFC 8259, section 7).
package struct TracedText {
  /// The decoded string as UTF-8.
  package private(set) var bytes: [UInt8] = []
  /// For each byte, where its character begins in the JSON text; one more for the end.
  package private(set) var origins: [Int] = []
  /// The place of the closing quote, or the end of the text if there is none.
  package private(set) var end: Int

  /// Reads what follows an opening quote. It never fails: an invalid escape stands for itself.
  package init(after quote: Int, in json: [UInt8]) {
    end = quote + 1
    while end < json.count, json[end] != UInt8(ascii: "\"") {
      if json[end] == UInt8(ascii: "\\"), end + 1 < json.count {
        readEscape(json)
      } else {
        bytes.append(json[end])
        origins.append(end)
        end += 1
      }
    }
    origins.append(end)
  }

  private mutating func add(_ decoded: some Collection<UInt8>, length: Int) {
    bytes += decoded
    origins += repeatElement(end, count: decoded.count)
    end += length
  }

  private mutating func readEscape(_ json: [UInt8]) {
    if let unit = Self.unit(at: end, json) {
      let low = Self.unit(at: end + 6, json)
      if (0xD800..<0xDC00).contains(unit), let low, (0xDC00..<0xE000).contains(low) {
        add(Self.utf8(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)), length: 12)
      } else {
        add(Self.utf8(unit), length: 6)
      }
    } else {
      add([Self.escapes[json[end + 1]] ?? json[end + 1]], length: 2)
    }
  }

  /// The number of a `\uXXXX` escape; nil if there is none.
  private static func unit(at place: Int, _ json: [UInt8]) -> UInt32? {
    guard place + 6 <= json.count, json[place] == UInt8(ascii: "\\"),
      json[place + 1] == UInt8(ascii: "u"), json[place + 2] != UInt8(ascii: "+")
    else { return nil }
    return UInt32(String(decoding: json[(place + 2)..<(place + 6)], as: UTF8.self), radix: 16)
  }

  private static func utf8(_ number: UInt32) -> [UInt8] {
    // Half a surrogate pair is not a character.
    Array(String(Unicode.Scalar(number) ?? "\u{FFFD}").utf8)
  }

  private static let escapes: [UInt8: UInt8] = [
    UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "b"): 8,
    UInt8(ascii: "f"): 12,
  ]

  /// A text escaped for use between the quotes of a JSON string.
  package static func escaped(_ text: String) -> [UInt8] {
    var result: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
      case 0..<32:
        let letter = escapes.first { $0.value == byte }?.key
        let digits = String(byte, radix: 16)
        result +=
          letter.map { [UInt8(ascii: "\\"), $0] }
          ?? Array("\\u00\(byte < 16 ? "0" : "")\(digits)".utf8)
      default: result.append(byte)
      }
    }
    return result
  }
}
