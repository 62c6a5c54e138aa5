import HomeFormat
import Posix

extension EventLog {
  /// Writes events behind all others, in this order, and returns when they are durable.
  ///
  /// The lock is held for the write only: the sync comes after it, so that writers who come at the same time share one.
  @discardableResult
  public func append(_ drafts: [Draft]) throws(EventLogError) -> [Line] {
    if drafts.isEmpty { return [] }
    do throws(PosixError) { try Files.makeFolder(folder) } catch { throw .unwritable(error) }
    let (file, lines, isNew) = try write(drafts)
    do throws(PosixError) {
      try file.syncData()
      if isNew { try Files.syncFolder(folder) }
    } catch { throw .unwritable(error) }
    return lines
  }

  @discardableResult
  public func append(_ draft: Draft) throws(EventLogError) -> Line? { try append([draft]).first }

  /// Returns when every line that can be read now is durable.
  public func sync() throws(EventLogError) {
    let segments = try segments()
    if segments.isEmpty { return }
    do throws(PosixError) {
      // The one before too: who wrote its last line may not have come to sync it when the next was begun.
      for segment in segments.suffix(2) { try File.open(path(of: segment), .read).syncData() }
      try Files.syncFolder(folder)
    } catch { throw .unwritable(error) }
  }

  private func write(_ drafts: [Draft]) throws(EventLogError)
    -> (file: File, lines: [Line], isNew: Bool)
  {
    let lock: Lock
    do throws(PosixError) { lock = try Lock.wait(folder + "/.lock") } catch {
      throw .unwritable(error)
    }
    defer { withExtendedLifetime(lock) {} }
    let end = try findEnd()
    var lines: [Line] = []
    var (sequence, time) = (end.next, max(end.time, Timestamp(milliseconds: Clock.now())))
    for draft in drafts {
      let line = Line(draft, sequence: sequence, time: time)
      if line.bytes.count > Self.longestLine { throw .tooLong(limit: Self.longestLine) }
      guard draft.isWritable else { throw .malformed(id: draft.id) }
      lines.append(line)
      sequence += 1
      time = max(time, line.time)
    }
    let bytes = lines.flatMap { $0.bytes + [UInt8(ascii: "\n")] }
    do throws(PosixError) {
      let file = try File.open(path(of: end.segment), .update)
      do throws(PosixError) {
        // Only where there is something to cut: changing the size costs the sync a write of metadata.
        if try file.size() > end.offset { try file.truncate(to: end.offset) }
        try file.write(bytes, at: end.offset)
      } catch {
        // A part of a line was never acknowledged; take it back while the lock is ours.
        try? file.truncate(to: end.offset)
        throw error
      }
      return (file, lines, end.offset == 0)
    } catch { throw .unwritable(error) }
  }

  /// Where the next line goes.
  private struct End {
    var segment: UInt64
    var offset: Int
    var next: UInt64
    var time = Timestamp(milliseconds: 0)
  }

  private func findEnd() throws(EventLogError) -> End {
    let segments = try segments()
    guard let segment = segments.last else { return End(segment: 1, offset: 0, next: 1) }
    do throws(PosixError) {
      let file = try File.open(path(of: segment), .read)
      let size = try file.size()
      let last = try lastLine(of: file, size: size)
      var before = last.line
      if before == nil, let previous = segments.dropLast().last {
        // Nothing whole in the newest segment: the time goes on from the one before.
        let file = try File.open(path(of: previous), .read)
        before = try lastLine(of: file, size: file.size()).line
      }
      let time = before?.time ?? Timestamp(milliseconds: 0)
      let next = (last.line.map { $0.sequence + 1 } ?? segment) + last.damagedAfter
      if last.end >= segmentLimit {
        return End(segment: next, offset: 0, next: next, time: time)
      }
      return End(segment: segment, offset: last.end, next: next, time: time)
    } catch { throw .unreadable(error) }
  }

  private struct Last {
    /// nil where no line of the segment is whole.
    var line: Line?
    /// Lines behind it that end in a newline and are damaged: their numbers were given out and stay so.
    var damagedAfter: UInt64
    /// Behind the last newline; what follows it was never acknowledged.
    var end: Int
  }

  /// The last whole line, looking back from the end in growing steps.
  private func lastLine(of file: File, size: Int) throws(PosixError) -> Last {
    var length = 8192
    while true {
      let start = max(0, size - length)
      let bytes = try file.read(upTo: size - start, at: start)
      let last = bytes.lastIndex(of: UInt8(ascii: "\n"))
      let end = start + (last.map { $0 + 1 } ?? 0)
      var damaged: UInt64 = 0
      var newline = last
      while let place = newline {
        let before = bytes[..<place].lastIndex(of: UInt8(ascii: "\n"))
        // The first line of the window may be cut; a longer window will hold it whole.
        if before == nil, start > 0 { break }
        let part = bytes[(before.map { $0 + 1 } ?? 0)..<place]
        if let line = Line(part) { return Last(line: line, damagedAfter: damaged, end: end) }
        damaged += Self.numbersGiven(in: part)
        newline = before
      }
      if start == 0 { return Last(line: nil, damagedAfter: damaged, end: end) }
      length *= 4
    }
  }

  /// How many lines a damaged one may have been: where a newline was lost, two run together.
  private static func numbersGiven(in damaged: ArraySlice<UInt8>) -> UInt64 {
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

extension Draft {
  fileprivate var isWritable: Bool {
    id.utf8.count == 32 && id.allSatisfy(\.isHexDigit) && !data.contains(UInt8(ascii: "\n"))
  }
}
