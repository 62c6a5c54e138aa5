import Posix

/// A reader of a segment, part by part. It needs little memory, whatever the segment's size.
struct SegmentScanner {
  private let file: File
  private let window: Int
  /// Bytes that were read and not returned yet; they begin at `base` in the file.
  private var buffer: [UInt8] = []
  private var base: Int
  private var position = 0
  private var waiting: ArraySlice<SegmentPart> = []

  /// - Parameter window: how many bytes are read at once.
  init(_ file: File, from offset: Int, window: Int = 65_536) {
    (self.file, self.window) = (file, window)
    base = offset
  }

  /// A longer candidate without a newline holds no line at its beginning.
  private static let longestCandidate = 2 * DurableLog.longestLine

  /// The next part; nil at the end of the file.
  mutating func next() throws(PosixError) -> SegmentPart? {
    if let part = waiting.popFirst() { return part }
    if position == buffer.count, !(try fill()) { return nil }
    if buffer[position] == 0 { return try zeros() }
    var searched = position
    while true {
      if let end = buffer.firstIndex(of: DurableLog.newline, orZeroFrom: searched) {
        return take(to: end, ending: buffer[end])
      }
      if buffer.count - position >= Self.longestCandidate { return tooLong() }
      searched = buffer.count - position
      if !(try fill()) { return take(to: buffer.count, ending: nil) }
      searched += position
    }
  }

  /// The offset after the last byte of a file that is not NUL, or `offset` if only NUL bytes follow it.
  static func contentEnd(of file: File, from offset: Int) throws(PosixError) -> Int {
    var (scan, end) = (SegmentScanner(file, from: offset), offset)
    while let part = try scan.next() {
      if !part.isZeros { end = part.contentEnd }
    }
    return end
  }

  private mutating func take(to end: Int, ending: UInt8?) -> SegmentPart? {
    if ending == DurableLog.newline, let line = Line(buffer[position..<end]) {
      let range = (base + position)..<(base + end + 1)
      position = end + 1
      return SegmentPart(content: .line(line, ending: ending), range: range, state: .ended)
    }
    let candidate = LineCandidate(bytes: buffer, range: position..<end, ending: ending, base: base)
    waiting = candidate.parts()[...]
    let first = waiting.popFirst()
    position = (waiting.last ?? first).map { $0.range.upperBound - base } ?? end
    return first
  }

  private mutating func tooLong() -> SegmentPart {
    let start = position
    position = buffer.count - DurableLog.longestLine
    return LineCandidate.tooLong(buffer, start..<position, base: base)
  }

  private mutating func zeros() throws(PosixError) -> SegmentPart {
    let start = base + position
    while true {
      position = buffer.firstIndexOfNonZero(from: position)
      if position < buffer.count { break }
      // Skips the holes of a sparse file, which have no bytes on the disk.
      var data = try file.nextData(from: base + position)
      if data == nil { data = try file.size() }
      if let data, data > base + position { (base, buffer, position) = (data, [], 0) }
      if !(try fill()) { break }
    }
    return SegmentPart(content: .zeros, range: start..<(base + position), state: .open)
  }

  /// Reads the bytes that follow the buffer into it.
  /// - Returns: false at the end of the file.
  private mutating func fill() throws(PosixError) -> Bool {
    let part = try file.read(upTo: window, at: base + buffer.count)
    if part.isEmpty { return false }
    if position == buffer.count {
      base += position
      buffer = part
    } else {
      base += position
      buffer = buffer[position...] + part
    }
    position = 0
    return true
  }
}
