/// A part of a segment. This is the one definition of what a segment consists of, for readers, writers, verify and
/// repair.
struct SegmentPart: Hashable {
  enum Content: Hashable {
    /// A whole line. `ending` is the byte after it, which should be a newline; nil at the end of the file.
    case line(Line, ending: UInt8?)
    /// Blanks that a repair has put over damage, with their newline.
    case padding
    /// NUL bytes: free space, or lines that a power cut has erased.
    case zeros
    /// Bytes that are not a line. `heads` is how many lines seem to begin in them, at least one.
    case damage(heads: UInt64)
  }

  enum State: Hashable {
    case ended
    /// A writer may still be writing it, unless a whole line follows it.
    case open
    /// Damage that continues in the next part, whose state counts for both.
    case continued
  }

  var content: Content
  /// Its place in the file. A line's range includes the byte after it, if there is one.
  var range: Range<Int>
  var state: State

  /// Whether it is a complete, undamaged part: a line or padding.
  var isPlain: Bool {
    switch content {
    case .padding, .line(_, ending: DurableLog.newline?): true
    default: false
    }
  }

  var isZeros: Bool { if case .zeros = content { true } else { false } }

  var isWholeLine: Bool {
    if case .line(_, ending: DurableLog.newline?) = content { true } else { false }
  }

  /// The offset after its last byte that is not NUL.
  var contentEnd: Int {
    switch content {
    case .line(let line, ending: 0): range.lowerBound + line.bytes.count
    case .zeros: range.lowerBound
    default: range.upperBound
    }
  }

  static let padding = UInt8(ascii: " ")
}

/// The bytes between two newlines or NUL bytes, in which lines are looked for.
struct LineCandidate {
  /// Bytes of the file, of which `range` is the candidate.
  let bytes: [UInt8]
  let range: Range<Int>
  /// The newline or NUL after it; nil at the end of the file.
  let ending: UInt8?
  /// Where `bytes` begins in the file.
  let base: Int

  private var isEnded: Bool { ending == DurableLog.newline }

  /// Its parts, without a gap. The newline belongs to the last one. A NUL belongs to it only in the place of a line's
  /// newline.
  func parts() -> [SegmentPart] {
    var parts: [SegmentPart] = []
    var start = range.lowerBound
    // If newlines were lost, the candidate holds several lines.
    let heads = heads(in: range, most: Self.mostHeads)
    for (index, head) in heads.enumerated() where head >= start {
      guard let (line, end) = line(at: head, before: heads[(index + 1)...]) else { continue }
      if start < head { parts.append(damage(start..<head, .ended)) }
      let ending = end < range.upperBound ? bytes[end] : ending
      start = end + (ending == nil ? 0 : 1)
      let isOpen = ending == nil || ending == 0
      parts.append(part(.line(line, ending: ending), head..<start, isOpen ? .open : .ended))
    }
    let end = range.upperBound + (isEnded ? 1 : 0)
    if start >= end { return parts }
    let isBlank = isEnded && isBlank(start..<range.upperBound)
    let state = isEnded ? SegmentPart.State.ended : .open
    return parts + [isBlank ? part(.padding, start..<end, state) : damage(start..<end, state)]
  }

  private func part(
    _ content: SegmentPart.Content, _ range: Range<Int>, _ state: SegmentPart.State
  ) -> SegmentPart {
    SegmentPart(
      content: content, range: (range.lowerBound + base)..<(range.upperBound + base), state: state)
  }

  private func isBlank(_ range: Range<Int>) -> Bool {
    bytes[range].allSatisfy { $0 == SegmentPart.padding }
  }

  private func damage(_ range: Range<Int>, _ state: SegmentPart.State) -> SegmentPart {
    let count = UInt64(heads(in: range, most: .max).count)
    return part(.damage(heads: max(1, count)), range, state)
  }

  /// A line that ends one byte before a later head, at the end, or one byte before the end.
  private func line(at head: Int, before later: ArraySlice<Int>) -> (Line, end: Int)? {
    let ends = later.map { $0 - 1 } + [range.upperBound, range.upperBound - 1]
    for end in ends where end > head {
      if let line = Line(bytes[head..<end]) { return (line, end) }
    }
    return nil
  }

  /// A limit, so that hostile bytes with many heads are not expensive.
  private static let mostHeads = 64

  /// The places where lines seem to begin, ascending; if there are more than `most`, the last ones.
  private func heads(in range: Range<Int>, most: Int) -> [Int] {
    var found: [Int] = []
    var start = range.lowerBound
    if most < .max { start = max(start, range.upperBound - DurableLog.longestLine) }
    while let brace = bytes.firstIndex(of: Line.head[0], in: start..<range.upperBound) {
      if bytes.has(Line.head, at: brace), brace + Line.head.count <= range.upperBound {
        found.append(brace)
      }
      start = brace + 1
    }
    return Array(found.suffix(most))
  }

  /// The first part of a candidate that is longer than any line can be.
  static func tooLong(_ bytes: [UInt8], _ range: Range<Int>, base: Int) -> SegmentPart {
    let whole = LineCandidate(bytes: bytes, range: range, ending: nil, base: base)
    return whole.isBlank(range)
      ? whole.part(.padding, range, .ended) : whole.damage(range, .continued)
  }
}
