import Posix

/// An iterator over the parts of a segment that belong to the log. This is the only definition of where the log ends,
/// for readers and writers.
///
/// All parts of an older segment are committed. In the newest segment an open part is committed only if a whole line
/// follows it, or if a note says that it was written.
struct CommittedParts {
  private var scan: SegmentScanner
  private let isNewest: Bool
  private let written: Int
  /// Parts that were read and are not known to be committed.
  private(set) var pending: [SegmentPart] = []
  private var isOpen = false
  private var found: ArraySlice<SegmentPart> = []

  /// A limit, since hostile bytes could be millions of parts.
  private static let mostPending = 4096

  /// - Parameter written: parts that begin before this offset count as written, even if they are damaged now.
  init(_ file: File, from offset: Int = 0, isNewest: Bool, written: Int = 0) {
    scan = SegmentScanner(file, from: offset)
    (self.isNewest, self.written) = (isNewest, written)
  }

  /// The next committed part; nil at the end of the log or of the segment.
  mutating func next() throws(PosixError) -> SegmentPart? {
    var next = found.popFirst()
    while next == nil, let part = try scan.next() {
      if pending.isEmpty, part.isPlain {
        next = part
      } else {
        for half in part.split(at: written) { take(half) }
        next = found.popFirst()
      }
    }
    return next
  }

  private mutating func take(_ part: SegmentPart) {
    pending.append(part)
    if pending.count > Self.mostPending { pending = [pending.joined] }
    if part.state == .open { isOpen = true }
    let isCommitted =
      !isNewest || part.range.lowerBound < written
      || (isOpen ? part.isWholeLine : part.state == .ended)
    guard isCommitted else { return }
    (found, pending, isOpen) = (found + pending, [], false)
  }
}

extension [SegmentPart] {
  /// All parts as one damaged part.
  fileprivate var joined: SegmentPart {
    var heads: UInt64 = 0
    for case .damage(let count) in map(\.content) { heads += count }
    let range = self[0].range.lowerBound..<self[count - 1].range.upperBound
    return SegmentPart(content: .damage(heads: heads), range: range, state: .open)
  }
}

extension SegmentPart {
  /// The part in two, if it is NUL bytes and the offset is within them: free space begins there.
  fileprivate func split(at offset: Int) -> [SegmentPart] {
    guard isZeros, range.lowerBound < offset, offset < range.upperBound else { return [self] }
    return [range.lowerBound..<offset, offset..<range.upperBound].map {
      SegmentPart(content: .zeros, range: $0, state: state)
    }
  }
}
