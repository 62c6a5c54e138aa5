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
    guard let newest = try segments().last else { return }
    do throws(PosixError) { try File.open(path(of: newest), .read).syncData() } catch {
      throw .unwritable(error)
    }
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
      lines.append(line)
      sequence += 1
      time = max(time, line.time)
    }
    let bytes = lines.flatMap { $0.bytes + [UInt8(ascii: "\n")] }
    do throws(PosixError) {
      let file = try File.open(path(of: end.segment), .update)
      do throws(PosixError) {
        try file.truncate(to: end.offset)
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
      guard let last = try lastLine(of: file, size: size) else {
        // Nothing whole in the newest segment: it begins anew, after the last line of the one before.
        let before = try segments.dropLast().last.flatMap { previous throws(PosixError) in
          let file = try File.open(path(of: previous), .read)
          return try lastLine(of: file, size: file.size())
        }
        let time = before?.line.time ?? Timestamp(milliseconds: 0)
        return End(segment: segment, offset: 0, next: segment, time: time)
      }
      let next = last.line.sequence + 1 + last.damagedAfter
      if last.end >= segmentLimit {
        return End(segment: next, offset: 0, next: next, time: last.line.time)
      }
      return End(segment: segment, offset: last.end, next: next, time: last.line.time)
    } catch { throw .unreadable(error) }
  }

  private struct Last {
    var line: Line
    /// Lines behind it that end in a newline and are damaged: their numbers were given out and stay so.
    var damagedAfter: UInt64
    /// Behind the last newline; what follows it was never acknowledged.
    var end: Int
  }

  /// The last whole line, looking back from the end in growing steps.
  private func lastLine(of file: File, size: Int) throws(PosixError) -> Last? {
    var length = 8192
    while true {
      let start = max(0, size - length)
      let bytes = try file.read(upTo: size - start, at: start)
      let last = bytes.lastIndex(of: UInt8(ascii: "\n"))
      var damaged: UInt64 = 0
      var end = last
      while let newline = end {
        let before = bytes[..<newline].lastIndex(of: UInt8(ascii: "\n"))
        // The first line of the window may be cut; a longer window will hold it whole.
        if before == nil, start > 0 { break }
        if let line = Line(bytes[(before.map { $0 + 1 } ?? 0)..<newline]) {
          return Last(line: line, damagedAfter: damaged, end: start + (last ?? 0) + 1)
        }
        damaged += 1
        end = before
      }
      if start == 0 { return nil }
      length *= 4
    }
  }
}
