import HomeFormat
import Posix

/// Where the next line goes. Each writer leaves it in `.lock` as a note for the next one, who would else have to read
/// the newest segment.
struct End {
  /// 0 where there is no segment yet.
  var segment: UInt64 = 0
  var offset = 0
  /// Of the segment's file; what lies behind `offset` is zeros.
  var size = 0
  /// The number of the next line.
  var next: UInt64 = 1
  /// That of the last line.
  var time = Timestamp(milliseconds: 0)
  /// The last bytes before `offset`, a checksum among them.
  var trail: [UInt8] = []
  /// When a name in the folder changed last before this was noted: since then there may be a newer segment.
  var folderChanged: Int64?

  static let trailLength = 16

  mutating func pass(_ bytes: [UInt8], last: Line) {
    offset += bytes.count
    next = last.sequence + 1
    time = last.time
    trail = Array(bytes[max(0, bytes.count - Self.trailLength)...])
  }

  /// Whether the segment ends where this says.
  func isRight(in file: File) throws(PosixError) -> Bool {
    let bytes = try file.read(upTo: trail.count + 1, at: offset - trail.count)
    return bytes.starts(with: trail)
      && (offset == size ? bytes.count == trail.count : bytes.dropFirst(trail.count) == [0])
  }
}

// MARK: - The note

extension End {
  /// `format 1 BOOT segment offset size next time changed trail crc32c`, with a newline.
  ///
  /// While the host runs, the note is never ahead of the lines. After a power cut it may be: so the boot is part of it.
  var note: [UInt8] {
    let text =
      "format \(Self.format) \(Self.boot) \(segment) \(offset) \(size) \(next) "
      + "\(time.milliseconds) \(folderChanged ?? 0) \(Hex.encode(trail))"
    return Array("\(text) \(Hex.encode(CRC32C.bytes(text.utf8)))\n".utf8)
  }

  static let longestNote = 512

  private static let format = 1

  private static let boot =
    (try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64)).map {
      String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace }
    } ?? "unknown"

  /// A line has no fewer bytes.
  private static let shortestLine = 160

  /// Reads a note.
  /// - Returns: nil for one that is not whole, or was not written since the host booted.
  /// - Throws: `newerFormat`.
  init?(note: [UInt8]) throws(EventLogError) {
    let line = note.prefix { $0 != EventLog.newline }
    if line.count == note.count { return nil }
    let words = String(decoding: line, as: UTF8.self).utf8
      .split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map(Substring.init)
    guard words.first == "format", words.count > 1, let format = Int(words[1]) else { return nil }
    if format > Self.format { throw .newerFormat(format) }
    guard words.count == 11, words[2] == Self.boot, Self.boot != "unknown",
      let segment = UInt64(words[3]), let offset = Int(words[4]), let size = Int(words[5]),
      let next = UInt64(words[6]), let time = Int64(words[7]).map(Timestamp.init(milliseconds:)),
      Timestamp(time.description) == time, let changed = Int64(words[8]),
      let trail = Hex.decode(String(words[9])), segment > 0, next >= segment,
      next <= Line.greatest, offset >= 0, size >= offset,
      trail.count == min(offset, Self.trailLength),
      next - segment <= UInt64(offset / Self.shortestLine)
    else { return nil }
    self = End(
      segment: segment, offset: offset, size: size, next: next,
      time: time, trail: trail, folderChanged: changed)
    guard self.note.elementsEqual(note.prefix(line.count + 1)) else { return nil }
  }
}

extension EventLog {
  var lockPath: String { folder + "/.lock" }

  /// The note as it is now; nil where none holds.
  func note() throws(EventLogError) -> End? {
    guard let file = try? File.open(lockPath, .read),
      let bytes = try? file.read(upTo: End.longestNote, at: 0)
    else { return nil }
    return try End(note: bytes)
  }
}
