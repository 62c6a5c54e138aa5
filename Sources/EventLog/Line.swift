import HomeFormat
import Posix

/// One line of a segment, whole and checked:
/// ```
/// {"seq":"0000000000000042","specversion":"1.0","id":"…","time":"…",…,"data":{…},"crc32c":"8a2f01cc"}
/// ```
/// The head up to the time and the tail from the checksum on have a fixed length, so that a line can be checked without
/// a JSON parser. The checksum (CRC-32C) covers all bytes before `,"crc32c"`.
public struct Line: Hashable, Sendable {
  public let sequence: UInt64
  public let time: Timestamp
  /// Without the newline.
  public let bytes: [UInt8]

  static let head = Array(#"{"seq":""#.utf8)
  static let afterSequence = Array(#"","specversion":"1.0","id":""#.utf8)
  static let afterID = Array(#"","time":""#.utf8)
  static let tail = Array(#","crc32c":""#.utf8)
  static let tailLength = tail.count + 10

  /// Far beyond what a log can hold, and still 16 digits for those who come after it.
  static let greatest: UInt64 = 999_999_999_999_999

  static func digits(_ sequence: UInt64) -> String {
    let digits = String(sequence)
    return String(repeating: "0", count: max(0, 16 - digits.count)) + digits
  }

  init(_ draft: Draft, sequence: UInt64, time: Timestamp) {
    var bytes = Self.head + Self.digits(sequence).utf8 + Self.afterSequence + draft.id.utf8
    bytes += Self.afterID + time.description.utf8
    bytes += #"","source":"#.utf8 + Self.quoted(draft.source)
    bytes += #","type":"#.utf8 + Self.quoted(draft.type)
    if let subject = draft.subject { bytes += #","subject":"#.utf8 + Self.quoted(subject) }
    bytes += #","data":"#.utf8 + draft.data
    bytes += Self.tail + Self.checksum(bytes[...]) + #""}"#.utf8
    self.sequence = sequence
    self.time = time
    self.bytes = bytes
  }

  /// Reads a line without its newline; nil if it is not whole and right.
  init?(_ bytes: ArraySlice<UInt8>) {
    let start = bytes.startIndex
    let digits = start + Self.head.count
    let id = digits + 16 + Self.afterSequence.count
    let time = id + 32 + Self.afterID.count
    let covered = bytes.endIndex - Self.tailLength
    guard covered > time + 24, bytes.starts(with: Self.head),
      bytes[(digits + 16)..<id].elementsEqual(Self.afterSequence),
      Draft.isID(bytes[id..<(id + 32)]), bytes[(id + 32)..<time].elementsEqual(Self.afterID),
      bytes[covered...].elementsEqual(
        Self.tail + Self.checksum(bytes[..<covered]) + #""}"#.utf8),
      let sequence = Self.number(bytes[digits..<(digits + 16)]),
      let moment = Timestamp(String(decoding: bytes[time..<(time + 24)], as: UTF8.self))
    else { return nil }
    self.sequence = sequence
    self.time = moment
    self.bytes = Array(bytes)
  }

  /// The id by which other events name this one.
  public var id: String {
    let start = Self.head.count + 16 + Self.afterSequence.count
    return String(decoding: bytes[start..<(start + 32)], as: UTF8.self)
  }

  /// The checksum, as 8 hexadecimal digits.
  var crc: String { String(decoding: bytes.dropLast(2).suffix(8), as: UTF8.self) }

  private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits {
      guard (48...57).contains(digit) else { return nil }
      number = number * 10 + UInt64(digit - 48)
    }
    return (1...greatest).contains(number) ? number : nil
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    Array(Hex.encode(CRC32C.bytes(bytes)).utf8)
  }

  /// A JSON string.
  private static func quoted(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<32: bytes += Array("\\u00\(Hex.encode([byte]))".utf8)
      default: bytes.append(byte)
      }
    }
    return bytes + [UInt8(ascii: "\"")]
  }
}
