import Posix

/// The position of a reader: after the line with the number `sequence`.
public struct Cursor: Hashable, Sendable {
  /// The last line read; 0 before the first.
  public internal(set) var sequence: UInt64
  /// The segment that the reader is in; 0 before the first.
  public internal(set) var segment: UInt64
  /// How many bytes of the segment were read.
  var offset: Int
  /// The last bytes of the last line, its checksum among them, without the newline. If they are not there any more, the
  /// log was rewritten.
  var trail: ArraySlice<UInt8> = []
  /// The offset where `trail` ends.
  var trailEnd = 0

  /// Before the oldest line.
  public static let start = Cursor(sequence: 0, segment: 0, offset: 0)

  /// Before the first line of a segment.
  public init(segment: UInt64) {
    self.init(sequence: segment > 0 ? segment - 1 : 0, segment: segment, offset: 0)
  }

  private init(sequence: UInt64, segment: UInt64, offset: Int) {
    (self.sequence, self.segment, self.offset) = (sequence, segment, offset)
  }

  mutating func enter(_ segment: UInt64) {
    (self.segment, offset, trail, trailEnd) = (segment, 0, [], 0)
  }

  mutating func pass(_ line: Line, at offset: Int) {
    sequence = line.sequence
    trail = line.bytes.suffix(LogEnd.trailLength)
    trailEnd = offset + line.bytes.count
  }

  /// Whether the line that was read last is still there.
  func isRight(in file: File) throws(PosixError) -> Bool {
    let found = try file.read(upTo: trail.count, at: trailEnd - trail.count)
    let size = try file.size()
    return found[...] == trail && size >= offset
  }
}
