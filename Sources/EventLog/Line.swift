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
  private static let greatest: UInt64 = 999_999_999_999_999

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
  init?(_ bytes: some Collection<UInt8>) {
    let bytes = Array(bytes)
    let timeStart = Self.head.count + 16 + Self.afterSequence.count + 32 + Self.afterID.count
    guard bytes.count > timeStart + 24 + Self.tailLength, bytes.starts(with: Self.head) else {
      return nil
    }
    let covered = bytes[..<(bytes.count - Self.tailLength)]
    let tail = Self.tail + Self.checksum(covered) + #""}"#.utf8
    let digits = bytes[Self.head.count..<(Self.head.count + 16)]
    guard bytes[covered.endIndex...].elementsEqual(tail),
      digits.allSatisfy({ (48...57).contains($0) }),
      let sequence = UInt64(String(decoding: digits, as: UTF8.self)),
      (1...Self.greatest).contains(sequence),
      let time = Timestamp(
        String(decoding: bytes[timeStart..<(timeStart + 24)], as: UTF8.self))
    else { return nil }
    self.sequence = sequence
    self.time = time
    self.bytes = bytes
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let crc = CRC32C.checksum(bytes)
    let parts = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: crc >> UInt32($0)) }
    return Array(Hex.encode(parts).utf8)
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
