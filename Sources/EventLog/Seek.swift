import HomeLayout
import Posix

// Finding a place in the log without reading everything before it.
extension DurableLog {
  /// The beginning of the segment that holds the line with this number, or of the oldest segment.
  public func cursor(before sequence: UInt64) throws(EventLogError) -> Cursor {
    let segments = try segments()
    guard let segment = segments.last(where: { $0 <= sequence }) ?? segments.first else {
      return .start
    }
    return Cursor(segment: segment)
  }

  /// The beginning of the last segment whose first line is older than this moment, or of the oldest segment.
  public func cursor(before time: Timestamp) throws(EventLogError) -> Cursor {
    let segments = try segments()
    var (low, high) = (0, segments.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      // A segment without a line is as old as the nearest one before it that has a line; if none has, the search
      // continues before it. The segment before one of the same moment may end with lines of that moment.
      var known = middle
      var first = try firstLine(of: segments[known])
      while first == nil, known > low + 1 {
        known -= 1
        first = try firstLine(of: segments[known])
      }
      if let first, first.time < time { low = known } else { high = known }
    }
    return segments.isEmpty ? .start : Cursor(segment: segments[low])
  }

  /// The first whole line of a segment; nil if it has none.
  func firstLine(of segment: UInt64) throws(EventLogError) -> Line? {
    guard Files.exists(path(of: segment)) else { return nil }
    var reader = Reader(self, from: Cursor(segment: segment))
    let line: Line?
    do throws(EventLogError) { line = try reader.next(limit: 4096).first } catch {
      // The segment was dropped meanwhile.
      if case .notKept = error { return nil }
      throw error
    }
    return reader.cursor.segment == segment ? line : nil
  }

  /// The newest whole line; nil if there is none.
  public func lastLine() throws(EventLogError) -> Line? {
    for segment in try segments().reversed() {
      var (reader, last) = (Reader(self, from: Cursor(segment: segment)), Line?.none)
      while let line = try reader.next().last { last = line }
      if let last { return last }
    }
    return nil
  }
}
