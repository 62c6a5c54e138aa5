import Posix

/// What reading the whole log has shown.
public struct Verification: Hashable, Sendable {
  public var segments = 0
  public var lines = 0
  public var first: Line?
  public var last: Line?
  /// Bytes of all segments.
  public var size = 0
  /// In the order of the log.
  public var damage: [Damage] = []
  /// How many numbers between the first and the last one have no line.
  public var missing = 0
  /// Bytes behind the last line of the newest segment that a writer has left there by its end; they were never
  /// acknowledged, and the next writer sets them aside.
  public var unfinished: Damage?
}

extension EventLog {
  /// Reads every line and looks for whatever is not as it should be. Changes nothing and needs no lock.
  /// - Parameter visit: given the lines as they are read.
  public func verify(_ visit: (Line) -> Void = { _ in }) throws(EventLogError) -> Verification {
    var reader = Reader(self)
    var result = Verification()
    while true {
      let lines: [Line]
      do throws(EventLogError) { lines = try reader.next() } catch {
        guard case .notKept = error else { throw error }
        // The oldest ones have gone meanwhile; what is verified begins behind them.
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
    // What was dropped has a checkpoint that stands for it.
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

  /// What is not zero behind the end. A writer may be at work there this moment, so it is looked at again.
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
        let end = try Scan.contentEnd(of: file, from: offset)
        if end == offset { return nil }
        found = Damage(path: file.name, offset: offset, length: end - offset, kind: .unfinished)
      } catch { throw .unreadable(error) }
    }
    return found
  }
}
