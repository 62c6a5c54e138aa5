import Posix

/// Goes through what counts of a segment: the one definition of where the log ends, for readers and writers.
///
/// All of an older segment counts. Of the newest, what a writer may still be at work on counts only where a whole
/// line stands behind it, or where a note tells that it was written before.
struct Walk {
  private var scan: Scan
  private let isNewest: Bool
  private let written: Int
  /// Read and not known to count.
  private(set) var pending: [Piece] = []
  private var isOpen = false
  private var counting: ArraySlice<Piece> = []
  /// Behind what was given so far.
  private(set) var offset: Int

  /// Hostile bytes could be millions of pieces.
  private static let mostPending = 4096

  /// - Parameter written: what begins before here was written, however it looks now.
  init(_ file: File, from offset: Int = 0, isNewest: Bool, written: Int = 0) {
    scan = Scan(file, from: offset)
    (self.isNewest, self.written, self.offset) = (isNewest, written, offset)
  }

  /// The next piece that counts; nil where the log goes on, or the segment ends.
  mutating func next() throws(PosixError) -> Piece? {
    var found = counting.popFirst()
    while found == nil, let piece = try scan.next() {
      if pending.isEmpty, piece.isPlain {
        found = piece
      } else {
        for part in piece.split(at: written) { take(part) }
        found = counting.popFirst()
      }
    }
    if let found { offset = found.range.upperBound }
    return found
  }

  private mutating func take(_ piece: Piece) {
    pending.append(piece)
    if pending.count > Self.mostPending { pending = [pending.joined] }
    if piece.state == .open { isOpen = true }
    let counts =
      !isNewest || piece.range.lowerBound < written
      || (isOpen ? piece.isWholeLine : piece.state == .ended)
    guard counts else { return }
    (counting, pending, isOpen) = (counting + pending, [], false)
  }
}

extension [Piece] {
  /// All of them as one piece of damage.
  fileprivate var joined: Piece {
    var heads: UInt64 = 0
    for case .damage(let count) in map(\.content) { heads += count }
    let range = self[0].range.lowerBound..<self[count - 1].range.upperBound
    return Piece(content: .damage(heads: heads), range: range, state: .open)
  }
}

extension Piece {
  /// NUL bytes in two, if this place is within them; room begins there.
  fileprivate func split(at place: Int) -> [Piece] {
    guard isZeros, range.lowerBound < place, place < range.upperBound else {
      return [self]
    }
    return [range.lowerBound..<place, place..<range.upperBound].map {
      Piece(content: .zeros, range: $0, state: state)
    }
  }
}
