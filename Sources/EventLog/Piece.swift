import Posix

/// A part of a segment: the one definition of what a segment is made of, for readers, writers, verify and repair.
struct Piece: Hashable {
  enum Content: Hashable {
    /// A whole line; `ending` is the byte behind it, which should be a newline; nil at the end of the file.
    case line(Line, ending: UInt8?)
    /// Blanks that a repair has put over damage, with their newline.
    case padding
    /// NUL bytes: room, or what a power cut has left of lines.
    case zeros
    /// Bytes that are no line; so many lines seem to begin in them.
    case damage(heads: UInt64)
  }

  /// Whether a writer may still be at work on it, if nothing whole is behind it.
  enum State: Hashable {
    case ended
    case open
    /// The same stretch of damage goes on in the next piece, which decides.
    case continued
  }

  var content: Content
  /// In the file. A line's holds the byte behind it too, where there is one.
  var range: Range<Int>
  var state: State

  /// What a healthy log is made of.
  var isPlain: Bool {
    switch content {
    case .padding, .line(_, ending: EventLog.newline?): true
    default: false
    }
  }

  var isZeros: Bool {
    if case .zeros = content { true } else { false }
  }

  var isWholeLine: Bool {
    if case .line(_, ending: EventLog.newline?) = content { true } else { false }
  }

  /// Behind its last byte that is not NUL.
  var contentEnd: Int {
    switch content {
    case .line(let line, ending: 0): range.lowerBound + line.bytes.count
    case .zeros: range.lowerBound
    default: range.upperBound
    }
  }

  static let padding = UInt8(ascii: " ")
}

/// What lies between two newlines or NUL bytes.
struct Stretch {
  /// The bytes of a part of the file; the stretch lies in them.
  let bytes: [UInt8]
  let range: Range<Int>
  /// The newline or NUL behind it; nil at the end of the file.
  let ending: UInt8?
  /// Where `bytes` begins in the file.
  let base: Int

  private var isEnded: Bool { ending == EventLog.newline }

  /// Its pieces, without a gap. Its newline belongs to the last one. A NUL does only where it stands in the place of
  /// a line's newline.
  func pieces() -> [Piece] {
    var pieces: [Piece] = []
    var start = range.lowerBound
    // Where a newline was lost, several lines may be in one stretch.
    let heads = heads(in: range, most: Self.mostHeads)
    for (index, head) in heads.enumerated() where head >= start {
      guard let (line, end) = line(at: head, before: heads[(index + 1)...]) else { continue }
      if start < head { pieces.append(damage(start..<head, .ended)) }
      let ending = end < range.upperBound ? bytes[end] : ending
      start = end + (ending == nil ? 0 : 1)
      let isOpen = ending == nil || ending == 0
      pieces.append(piece(.line(line, ending: ending), head..<start, isOpen ? .open : .ended))
    }
    let end = range.upperBound + (isEnded ? 1 : 0)
    if start >= end { return pieces }
    let isBlank = isEnded && isBlank(start..<range.upperBound)
    let state = isEnded ? Piece.State.ended : .open
    return pieces + [isBlank ? piece(.padding, start..<end, state) : damage(start..<end, state)]
  }

  private func piece(_ content: Piece.Content, _ part: Range<Int>, _ state: Piece.State) -> Piece {
    Piece(
      content: content, range: (part.lowerBound + base)..<(part.upperBound + base), state: state)
  }

  private func isBlank(_ part: Range<Int>) -> Bool {
    bytes[part].allSatisfy { $0 == Piece.padding }
  }

  private func damage(_ part: Range<Int>, _ state: Piece.State) -> Piece {
    let count = UInt64(heads(in: part, most: .max).count)
    return piece(.damage(heads: max(1, count)), part, state)
  }

  /// A line that reaches to one byte before a later beginning of one, to the end, or to one byte before the end.
  private func line(at head: Int, before later: ArraySlice<Int>) -> (Line, end: Int)? {
    let ends = later.map { $0 - 1 } + [range.upperBound, range.upperBound - 1]
    for end in ends where end > head {
      if let line = Line(bytes[head..<end]) { return (line, end) }
    }
    return nil
  }

  /// More beginnings than these would make hostile bytes expensive.
  private static let mostHeads = 64

  /// Where lines seem to begin, ascending; with a limit the last ones only.
  private func heads(in part: Range<Int>, most: Int) -> [Int] {
    var found: [Int] = []
    var start = part.lowerBound
    if most < .max { start = max(start, part.upperBound - EventLog.longestLine) }
    while let brace = bytes.firstIndex(of: Line.head[0], in: start..<part.upperBound) {
      if bytes.has(Line.head, at: brace), brace + Line.head.count <= part.upperBound {
        found.append(brace)
      }
      start = brace + 1
    }
    return Array(found.suffix(most))
  }

  /// The beginning of a stretch that is longer than any line can be.
  static func tooLong(_ bytes: [UInt8], _ range: Range<Int>, base: Int) -> Piece {
    let stretch = Stretch(bytes: bytes, range: range, ending: nil, base: base)
    return stretch.isBlank(range)
      ? stretch.piece(.padding, range, .ended) : stretch.damage(range, .continued)
  }
}
