import Posix

/// What a stretch of a segment is made of: the one definition of a line for readers, writers, verify and repair.
struct Piece {
  enum Content {
    case line(Line)
    /// Blanks that a repair has put over damage, or zeros that were never written over.
    case padding
    case damage
  }

  var content: Content
  /// With the newline, where there is one.
  var range: Range<Int>

  /// Splits bytes at their newlines.
  /// - Returns: the pieces, without a gap, and where the bytes behind the last newline begin.
  static func split(_ bytes: [UInt8]) -> (pieces: [Piece], rest: Int) {
    var pieces: [Piece] = []
    var start = 0
    while let newline = bytes.firstIndex(of: EventLog.newline, from: start) {
      split(bytes, start..<newline, into: &pieces)
      start = newline + 1
    }
    return (pieces, start)
  }

  /// What lies between two newlines.
  private static func split(_ bytes: [UInt8], _ range: Range<Int>, into pieces: inout [Piece]) {
    func add(_ content: Content, _ range: Range<Int>) {
      if !range.isEmpty { pieces.append(Piece(content: content, range: range)) }
    }
    var start = range.lowerBound
    if start < range.upperBound, bytes[start] == 0 {
      start = range.first { bytes[$0] != 0 } ?? range.upperBound
      add(.padding, range.lowerBound..<start)
    }
    let end = range.upperBound + 1
    if let line = Line(bytes[start..<range.upperBound]) { return add(.line(line), start..<end) }
    if bytes[start..<range.upperBound].allSatisfy({ $0 == padding }) {
      return add(.padding, start..<end)
    }
    // Where a newline was lost, a line may follow in the same stretch.
    for head in heads(in: bytes[start..<range.upperBound]) {
      guard let line = Line(bytes[head..<range.upperBound]) else { continue }
      add(.damage, start..<head)
      return add(.line(line), head..<end)
    }
    add(.damage, start..<end)
  }

  static let padding = UInt8(ascii: " ")

  /// Where lines seem to begin, the last ones only: more than these would make hostile bytes expensive.
  private static func heads(in bytes: ArraySlice<UInt8>) -> [Int] {
    var found: [Int] = []
    var end = bytes.endIndex
    while found.count < 64, let brace = bytes[..<end].lastIndex(of: Line.head[0]),
      bytes.endIndex - brace <= EventLog.longestLine
    {
      if bytes[brace...].starts(with: Line.head) { found.append(brace) }
      end = brace
    }
    return found
  }

  /// How many lines a damaged stretch may have been: where a newline was lost, two run together.
  static func numbersGiven(in damaged: ArraySlice<UInt8>) -> UInt64 {
    var count: UInt64 = 0
    var rest = damaged
    while let brace = rest.firstIndex(of: Line.head[0]) {
      rest = rest[brace...]
      if rest.starts(with: Line.head) { count += 1 }
      rest.removeFirst()
    }
    return max(1, count)
  }
}
