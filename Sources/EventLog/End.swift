import HomeFormat
import Posix

/// Where the next line goes. Each writer leaves it in `.lock` for the next one, who would else have to read the
/// segment's tail; it is a hint and held against the segment before it is used.
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

  /// `format 1 BOOT segment offset size next time changed trail`: the boot is part of it because after a power cut the
  /// segment may hold less than this says, or lines with a hole before them.
  var text: String {
    "format \(Self.format) \(Self.boot) \(segment) \(offset) \(size) \(next) "
      + "\(time.milliseconds) \(folderChanged ?? 0) \(Hex.encode(trail))\n"
  }

  fileprivate static let format = 1

  fileprivate static let boot =
    (try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64)).map {
      String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace }
    } ?? "unknown"

  /// Whether the segment ends where this says.
  func isRight(in file: File) throws(PosixError) -> Bool {
    let bytes = try file.read(upTo: trail.count + 1, at: offset - trail.count)
    return bytes.starts(with: trail)
      && (offset == size ? bytes.count == trail.count : bytes.dropFirst(trail.count) == [0])
  }
}

extension End {
  /// - Returns: nil for what was not written since the host booted.
  /// - Throws: `newerFormat`.
  init?(text: [UInt8]) throws(EventLogError) {
    let line = text.prefix { $0 != EventLog.newline }
    if line.count == text.count { return nil }
    let words = String(decoding: line, as: UTF8.self).utf8
      .split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map(Substring.init)
    guard words.first == "format", words.count > 1, let format = Int(words[1]) else { return nil }
    if format > Self.format { throw .newerFormat(format) }
    guard words.count == 10, words[2] == Self.boot, Self.boot != "unknown",
      let segment = UInt64(words[3]), let offset = Int(words[4]), let size = Int(words[5]),
      let next = UInt64(words[6]), let time = Int64(words[7]), let changed = Int64(words[8]),
      let trail = Hex.decode(String(words[9])),
      segment > 0, offset >= trail.count, size >= offset, next >= segment
    else { return nil }
    self = End(
      segment: segment, offset: offset, size: size, next: next,
      time: Timestamp(milliseconds: time), trail: trail, folderChanged: changed)
  }
}
