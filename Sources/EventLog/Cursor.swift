/// Where a reader stands: behind the line with this number.
public struct Cursor: Hashable, Sendable {
  /// The last line read; 0 before the first.
  public internal(set) var sequence: UInt64
  /// The segment it is in; 0 before the first.
  public internal(set) var segment: UInt64
  /// How far the segment was read.
  var offset: Int
  /// The end of the last line and the bytes before it, its checksum among them: by them a rewritten history is noticed.
  var trail: [UInt8] = []
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

  mutating func pass(_ line: Line, end: Int) {
    sequence = line.sequence
    trail = Array(line.bytes[max(0, line.bytes.count - End.trailLength + 1)...])
    trail.append(EventLog.newline)
    trailEnd = end
  }
}
