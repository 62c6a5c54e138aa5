import HomeLayout
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
  static let beforeSource = Array(#"","source":"#.utf8)
  static let beforeType = Array(#","type":"#.utf8)
  static let beforeSubject = Array(#","subject":"#.utf8)
  static let beforeData = Array(#","data":"#.utf8)
  static let tail = Array(#","crc32c":""#.utf8)
  static let end = Array(#""}"#.utf8)
  static let tailLength = tail.count + 8 + end.count

  /// Blanks in the place of a time.
  private static let blanks = [UInt8](repeating: SegmentPart.padding, count: 24)

  /// The greatest number; no log can hold so many lines. The number after it has 16 digits, too.
  static let greatest: UInt64 = 999_999_999_999_999

  static func digits(_ sequence: UInt64) -> String {
    let digits = String(sequence)
    return String(repeating: "0", count: max(0, 16 - digits.count)) + digits
  }

  /// A line without its number, time and checksum: the part that can be made without the lock.
  struct Form {
    fileprivate var bytes: [UInt8]

    init(_ event: NewEvent) {
      bytes = []
      let envelope = 200 + event.source.utf8.count + event.type.utf8.count
      bytes.reserveCapacity(envelope + (event.subject?.utf8.count ?? 0) + event.data.count)
      bytes += Line.head
      bytes += Line.blanks[..<16]
      bytes += Line.afterSequence
      bytes += event.id.utf8
      bytes += Line.afterID
      bytes += Line.blanks
      bytes += Line.beforeSource
      Line.add(event.source, to: &bytes)
      bytes += Line.beforeType
      Line.add(event.type, to: &bytes)
      if let subject = event.subject {
        bytes += Line.beforeSubject
        Line.add(subject, to: &bytes)
      }
      bytes += Line.beforeData
      bytes += event.data
    }

    /// Bytes of the line, without its newline.
    var count: Int { bytes.count + Line.tailLength }
  }

  /// - Parameter moment: the text of the time.
  init(_ form: Form, sequence: UInt64, time: Timestamp, moment: [UInt8]) {
    var bytes = form.bytes
    bytes.reserveCapacity(form.count)
    var rest = sequence
    for place in (Self.head.count..<(Self.head.count + 16)).reversed() {
      bytes[place] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    let start = Self.head.count + 16 + Self.afterSequence.count + 32 + Self.afterID.count
    for (index, byte) in moment.enumerated() { bytes[start + index] = byte }
    let checksum = CRC32C.checksum(bytes)
    bytes += Self.tail
    for place in 0..<8 { bytes.append(Self.digit(place, of: checksum)) }
    bytes += Self.end
    (self.sequence, self.time, self.bytes) = (sequence, time, bytes)
  }

  /// Reads a line without its newline; nil if it is not whole and valid.
  init?(_ bytes: ArraySlice<UInt8>) {
    let start = bytes.startIndex
    let digits = start + Self.head.count
    let id = digits + 16 + Self.afterSequence.count
    let time = id + 32 + Self.afterID.count
    let covered = bytes.endIndex - Self.tailLength
    guard covered > time + 24, bytes.count < DurableLog.longestLine, bytes.starts(with: Self.head),
      bytes[covered...].starts(with: Self.tail),
      bytes[(digits + 16)..<id].elementsEqual(Self.afterSequence),
      NewEvent.isID(bytes[id..<(id + 32)]), bytes[(id + 32)..<time].elementsEqual(Self.afterID),
      Self.isTail(bytes[covered...], for: CRC32C.checksum(bytes[..<covered])),
      let sequence = Self.number(bytes[digits..<(digits + 16)]),
      let moment = Self.moment(bytes[time..<(time + 24)])
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

  private static func moment(_ text: ArraySlice<UInt8>) -> Timestamp? {
    Timestamp(written: text.span)
  }

  private static func isTail(_ bytes: ArraySlice<UInt8>, for checksum: UInt32) -> Bool {
    let digits = bytes.startIndex + tail.count
    return bytes.starts(with: tail) && bytes[(digits + 8)...].elementsEqual(end)
      && (0..<8).allSatisfy { bytes[digits + $0] == digit($0, of: checksum) }
  }

  /// One of the eight hexadecimal digits; place 0 is the first.
  private static func digit(_ place: Int, of checksum: UInt32) -> UInt8 {
    Hex.digit(UInt8(truncatingIfNeeded: checksum >> UInt32(28 - 4 * place)) & 15)
  }

  /// Adds a text as a JSON string.
  private static func add(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    let isPlain = text.utf8.allSatisfy {
      $0 >= 32 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    if isPlain {
      bytes += text.utf8
      bytes.append(UInt8(ascii: "\""))
      return
    }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<32: bytes += "\\u00\(Hex.encode([byte]))".utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
