import Posix

/// The result of reading the whole log.
public struct Verification: Hashable, Sendable {
  public var segments = 0
  public var lines = 0
  public var first: Line?
  public var last: Line?
  /// Bytes of all segments.
  public var size = 0
  /// In the order of the log.
  public var damage: [Damage] = []
  /// How many numbers have no line.
  public var missing = 0
  /// Bytes after the last line of the newest segment, left by a writer that was killed. They were never acknowledged;
  /// the next writer moves them to `aside`.
  public var unfinished: Damage?
}

extension DurableLog {
  /// Reads every line and collects all damage. It changes nothing and needs no lock.
  /// - Parameter visit: called with each line.
  public func verify(_ visit: (Line) -> Void = { _ in }) throws(EventLogError) -> Verification {
    var reader = Reader(self)
    var result = Verification()
    while true {
      let lines: [Line]
      do throws(EventLogError) { lines = try reader.next() } catch {
        guard case .notKept = error else { throw error }
        // The oldest segments were dropped meanwhile; begin again after them.
        (result.lines, result.first) = (0, nil)
        continue
      }
      if lines.isEmpty { break }
      result.lines += lines.count
      result.first = result.first ?? lines.first
      result.last = lines.last
      lines.forEach(visit)
    }
    let segments = try segments()
    result.damage = reader.damage
    // Events that were dropped are summed up by a checkpoint.
    if let oldest = segments.first, oldest > 1, try checkpoint(before: oldest) == nil {
      result.damage.insert(
        Damage(path: path(of: oldest), offset: 0, length: 0, kind: .missing(1...(oldest - 1))),
        at: 0)
    }
    result.missing = result.damage.reduce(0) { $0 + ($1.missing?.count ?? 0) }
    result.segments = segments.count
    do throws(PosixError) {
      result.size = try sizes(of: segments).total
    } catch { throw .unreadable(error) }
    if let newest = segments.last {
      result.unfinished = try unfinished(in: newest, behind: reader.cursor)
    }
    return result
  }

  /// The bytes after the end of the log that are not zero. A writer may be writing them now, so they are read again.
  private func unfinished(in segment: UInt64, behind cursor: Cursor) throws(EventLogError)
    -> Damage?
  {
    var found: Damage?
    for _ in 0..<3 {
      var reader = Reader(self, from: cursor)
      if !(try reader.next().isEmpty) { return nil }
      let offset = reader.cursor.segment == segment ? reader.cursor.offset : 0
      do throws(PosixError) {
        let file = try File.open(path(of: segment), .read)
        let end = try SegmentScanner.contentEnd(of: file, from: offset)
        if end == offset { return nil }
        found = Damage(path: file.name, offset: offset, length: end - offset, kind: .unfinished)
      } catch { throw .unreadable(error) }
    }
    return found
  }
}
