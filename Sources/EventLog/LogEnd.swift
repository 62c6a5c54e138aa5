import HomeLayout
import Posix

/// The end of the log, where the next line is written. Each writer leaves it as a note in `.lock`, so that the next
/// writer need not read the newest segment.
struct LogEnd {
  /// 0 if there is no segment yet.
  var segment: UInt64 = 0
  var offset = 0
  /// The length of the segment's file, which holds zeros from `offset` on.
  var size = 0
  var next: UInt64 = 1
  var time = Timestamp(milliseconds: 0)
  /// The last bytes before `offset`, a checksum among them.
  var trail: [UInt8] = []
  /// When the names in the folder last changed. If they have changed since, there may be a newer segment.
  var folderChanged: Int64?

  static let trailLength = 16

  mutating func pass(_ bytes: [UInt8], last: Line) {
    offset += bytes.count
    next = last.sequence + 1
    time = last.time
    trail = Array(bytes[max(0, bytes.count - Self.trailLength)...])
  }

  func isRight(in file: File) throws(PosixError) -> Bool {
    let bytes = try file.read(upTo: trail.count + 1, at: offset - trail.count)
    return bytes.starts(with: trail)
      && (offset == size ? bytes.count == trail.count : bytes.dropFirst(trail.count) == [0])
  }
}

extension LogEnd {
  /// `format 1 BOOT segment offset size next time changed trail crc32c`, with a newline.
  ///
  /// While the host runs, the note is never ahead of the lines. After a power cut it may be, so it names the boot.
  var note: [UInt8] {
    var text = Self.beginning
    text.reserveCapacity(Self.longestNote)
    for number in [
      Int64(segment), Int64(offset), Int64(size), Int64(next), time.milliseconds,
      folderChanged ?? 0,
    ] {
      text.append(decimal: number)
      text.append(Self.blank)
    }
    text.append(hexadecimal: trail)
    let sum = CRC32C.bytes(text)
    text.append(Self.blank)
    text.append(hexadecimal: sum)
    text.append(DurableLog.newline)
    return text
  }

  static let longestNote = 512

  private static let format = 1

  private static let blank = UInt8(ascii: " ")

  private static let boot = ProcessTable.bootID

  private static let beginning = Array("format \(format) \(boot) ".utf8)

  /// No segment is longer, not even one in which many lines were written together.
  private static let greatestOffset = 1 << 30

  /// Bytes.
  private static let shortestLine = 160

  /// Reads a note.
  /// - Returns: nil for a note that is damaged or was written before the host booted.
  /// - Throws: `newerFormat`.
  init?(note: [UInt8]) throws(EventLogError) {
    guard let end = note.firstIndex(of: DurableLog.newline, from: 0) else { return nil }
    let words = note[..<end].split(separator: Self.blank, omittingEmptySubsequences: false)
    guard words.count > 1, words[0].elementsEqual("format".utf8),
      let format = Int64(decimal: words[1])
    else { return nil }
    if format > Self.format { throw .newerFormat(Int(format)) }
    guard words.count == 11, !Self.boot.isEmpty, note.starts(with: Self.beginning) else {
      return nil
    }
    let numbers = words[3..<9].compactMap { Int64(decimal: $0) }
    guard numbers.count == 6, let trail = Hex.decode(words[9]),
      let segment = UInt64(exactly: numbers[0]), let next = UInt64(exactly: numbers[3])
    else { return nil }
    self = LogEnd(
      segment: segment, offset: Int(numbers[1]), size: Int(numbers[2]), next: next,
      time: Timestamp(milliseconds: numbers[4]), trail: trail,
      folderChanged: numbers[5])
    guard isSound, self.note.elementsEqual(note[...end]) else { return nil }
  }

  private var isSound: Bool {
    segment > 0 && (0...Self.greatestOffset).contains(offset) && next >= segment
      && next <= Line.greatest && size >= offset
      && trail.count == min(offset, Self.trailLength)
      && next - segment <= UInt64(offset / Self.shortestLine) && Timestamp(time.description) == time
  }
}

extension [UInt8] {
  fileprivate mutating func append(decimal number: Int64) {
    let start = count
    var rest = number.magnitude
    repeat {
      append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    if number < 0 { append(UInt8(ascii: "-")) }
    self[start...].reverse()
  }

  fileprivate mutating func append(hexadecimal bytes: [UInt8]) {
    for byte in bytes {
      append(Hex.digit(byte >> 4))
      append(Hex.digit(byte & 15))
    }
  }
}

extension Int64 {
  /// Reads digits, which may follow a minus.
  fileprivate init?(decimal text: ArraySlice<UInt8>) {
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = isNegative ? text.dropFirst() : text
    guard (1...19).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
      let number = Int64(exactly: digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 48) })
    else { return nil }
    self = isNegative ? -number : number
  }
}

extension DurableLog {
  var lockPath: String { folder + "/.lock" }

  /// The note that is in `.lock` now; nil if there is no valid one.
  func note() throws(EventLogError) -> LogEnd? {
    guard let file = try? File.open(lockPath, .read),
      let bytes = try? file.read(upTo: LogEnd.longestNote, at: 0)
    else { return nil }
    return try LogEnd(note: bytes)
  }
}
