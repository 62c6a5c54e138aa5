import Posix

/// Reads a segment piece by piece, whatever its size, in little memory.
struct Scan {
  private let file: File
  private let window: Int
  /// Read and not given yet; begins at `base` in the file.
  private var buffer: [UInt8] = []
  private var base: Int
  private var position = 0
  private var waiting: ArraySlice<Piece> = []

  /// - Parameter window: how many bytes are read at once.
  init(_ file: File, from offset: Int, window: Int = 65_536) {
    self.file = file
    self.window = window
    base = offset
  }

  /// Nothing longer without a newline can be or become a line.
  private static let longestStretch = 2 * EventLog.longestLine

  /// nil at the end of the file.
  mutating func next() throws(PosixError) -> Piece? {
    if let piece = waiting.popFirst() { return piece }
    if position == buffer.count, !(try fill()) { return nil }
    if buffer[position] == 0 { return try zeros() }
    var searched = position
    while true {
      if let end = buffer.firstIndex(of: EventLog.newline, orZeroFrom: searched) {
        return take(to: end, ending: buffer[end])
      }
      if buffer.count - position >= Self.longestStretch { return tooLong() }
      searched = buffer.count - position
      if !(try fill()) { return take(to: buffer.count, ending: nil) }
      searched += position
    }
  }

  /// Behind the last byte of a file that is not NUL, or `offset` where all behind it are.
  static func contentEnd(of file: File, from offset: Int) throws(PosixError) -> Int {
    var (scan, end) = (Scan(file, from: offset), offset)
    while let piece = try scan.next() {
      if !piece.isZeros { end = piece.contentEnd }
    }
    return end
  }

  private mutating func take(to end: Int, ending: UInt8?) -> Piece? {
    if ending == EventLog.newline, let line = Line(buffer[position..<end]) {
      let range = (base + position)..<(base + end + 1)
      position = end + 1
      return Piece(content: .line(line, ending: ending), range: range, state: .ended)
    }
    let stretch = Stretch(bytes: buffer, range: position..<end, ending: ending, base: base)
    waiting = stretch.pieces()[...]
    let first = waiting.popFirst()
    position = (waiting.last ?? first).map { $0.range.upperBound - base } ?? end
    return first
  }

  private mutating func tooLong() -> Piece {
    let start = position
    position = buffer.count - EventLog.longestLine
    return Stretch.tooLong(buffer, start..<position, base: base)
  }

  private mutating func zeros() throws(PosixError) -> Piece {
    let start = base + position
    while true {
      position = buffer.firstIndexOfNonZero(from: position)
      if position < buffer.count { break }
      // Over holes of a sparse file, which have no bytes on the disk.
      var data = try file.nextData(from: base + position)
      if data == nil { data = try file.size() }
      if let data, data > base + position { (base, buffer, position) = (data, [], 0) }
      if !(try fill()) { break }
    }
    return Piece(content: .zeros, range: start..<(base + position), state: .open)
  }

  /// Reads on behind the buffer.
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
