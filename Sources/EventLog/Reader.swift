import HomeLayout
import Posix

/// A reader of the log, from a cursor on. It takes no lock and writes nothing.
public struct Reader: Sendable {
  public let log: DurableLog
  public private(set) var cursor: Cursor
  /// The damage that was skipped so far.
  public private(set) var damage: [Damage] = []
  private var lastTime = Timestamp(milliseconds: .min)
  /// The segments at the last listing. They are kept so that a long log is not listed again for each segment.
  private var listing: [UInt64] = []

  public init(_ log: DurableLog, from cursor: Cursor = .start) {
    (self.log, self.cursor) = (log, cursor)
  }

  /// The next lines, about `limit` bytes of one segment; empty at the end of the log.
  /// - Throws: `notKept` if the next events were dropped. The call after that continues with the oldest line.
  public mutating func next(limit: Int = 256 << 10) throws(EventLogError) -> [Line] {
    var (vanished, isSecondLook) = (0, false)
    while true {
      let place = try place()
      let before = cursor
      if let (segment, next) = place {
        let lines: [Line]?
        do throws(PosixError) {
          lines = try read(log.path(of: segment), before: next, limit)
        } catch {
          // The segment may have been dropped since it was listed.
          vanished += 1
          listing = []
          if error.errno == .noSuchFile, vanished < 3 { continue }
          throw .unreadable(error)
        }
        guard let lines else { throw .rewritten(after: before.sequence) }
        if !lines.isEmpty { return lines }
        // Only damage was read. Lines may follow it.
        if cursor != before {
          isSecondLook = false
          continue
        }
        if let next {
          miss(upTo: next, log.path(of: next), 0)
          cursor.enter(next)
          isSecondLook = false
          continue
        }
      }
      // If the note names a later segment, then the listing is old, or that segment is gone.
      guard let note = holdingNote(), note.segment > cursor.segment else { return [] }
      if isSecondLook {
        miss(upTo: note.next, log.path(of: note.segment), 0)
        return []
      }
      isSecondLook = true
    }
  }

  /// The segment to read and the one after it; nil if there is none.
  private mutating func place() throws(EventLogError) -> (segment: UInt64, next: UInt64?)? {
    if let index = listing.firstIndex(of: cursor.segment), index + 1 < listing.count {
      // A segment that had a later one at the last listing still has one.
      return (cursor.segment, listing[index + 1])
    }
    let segments = try log.segments()
    listing = segments
    guard let segment = segments.last(where: { $0 <= cursor.segment }) ?? segments.first else {
      if cursor.segment > 0, cursor.sequence > 0 { throw .rewritten(after: cursor.sequence) }
      return nil
    }
    if cursor.segment == 0 {
      cursor = Cursor(segment: segment)
    } else if segment != cursor.segment {
      try leave(for: segment)
    }
    return (segment, segments.first { $0 > segment })
  }

  /// Moves the cursor, whose segment is gone, to this one. Nothing is lost if this one begins with the next line.
  private mutating func leave(for segment: UInt64) throws(EventLogError) {
    let last = cursor.sequence
    if segment != last + 1 {
      // Segments are dropped only when a checkpoint sums them up.
      let checkpoint = try log.checkpoint(before: segment)
      let isDropped = segment > last && checkpoint != nil
      guard isDropped else { throw .rewritten(after: last) }
      cursor = Cursor(segment: segment)
      throw .notKept((last + 1)...(segment - 1))
    }
    cursor.enter(segment)
  }

  /// Lines of a segment from the cursor on; nil if the line before the cursor is not there any more.
  private mutating func read(_ path: String, before next: UInt64?, _ limit: Int)
    throws(PosixError) -> [Line]?
  {
    let file = try File.open(path, .read)
    guard try cursor.isRight(in: file) else { return nil }
    if let next { return try older(file, before: next, limit) }
    let end = cursor.offset.addingReportingOverflow(limit).partialValue
    var lines: [Line] = []
    var scan = SegmentScanner(file, from: cursor.offset)
    var part = try scan.next()
    while let plain = part, isNext(plain), lines.isEmpty || cursor.offset < end {
      take(plain, path, into: &lines)
      part = try scan.next()
    }
    if !lines.isEmpty { return lines }
    return try passOpen(file, isRoom: part?.isZeros ?? true, limit)
  }

  /// Whether an undamaged log would continue with this part.
  private func isNext(_ part: SegmentPart) -> Bool {
    switch part.content {
    case .line(let line, DurableLog.newline?): line.sequence == cursor.sequence + 1
    case .padding: true
    default: false
    }
  }

  /// Lines of a segment that is complete.
  private mutating func older(_ file: File, before next: UInt64, _ limit: Int)
    throws(PosixError) -> [Line]
  {
    let end = cursor.offset.addingReportingOverflow(limit).partialValue
    var lines: [Line] = []
    var committed = CommittedParts(file, from: cursor.offset, isNewest: false)
    while lines.isEmpty || cursor.offset < end, let part = try committed.next() {
      // The cursor stays before the last zeros, which the writer may be about to cut off.
      if !part.isZeros { take(part, file.name, before: next, into: &lines) }
    }
    return lines
  }

  /// Takes the committed parts of the newest segment up to the next line. The part at the cursor is an unexpected one.
  /// - Parameter isRoom: whether that part is zeros, or there is none.
  private mutating func passOpen(_ file: File, isRoom: Bool, _ limit: Int) throws(PosixError)
    -> [Line]
  {
    // The note is read before the segment, so that the lines that it counts are there.
    var note = holdingNote()
    if let note, note.segment > cursor.segment { return try older(file, before: note.next, limit) }
    if note?.segment != cursor.segment { note = nil }
    if let note, isRoom, note.offset == cursor.offset, note.next == cursor.sequence + 1 {
      return []
    }
    let written = note?.offset ?? 0
    var (found, rest) = try committedParts(file, written)
    var isSettled = found.isEmpty
    while !isSettled {
      // A read during a write may see the end of the write and not its beginning. Writes go from front to back, so what
      // is missing in a second read was never written.
      let again = try committedParts(file, written)
      isSettled = again.found == found
      (found, rest) = again
    }
    // A line without its newline was acknowledged if the note counts it.
    if found.isEmpty, let note, let rest, case .line(let line, _) = rest.content,
      cursor.sequence < line.sequence, line.sequence < note.next
    {
      found = [rest]
    }
    var lines: [Line] = []
    for part in found {
      take(
        part, file.name, before: part.range.lowerBound < written ? note?.next : nil, into: &lines)
    }
    if found.isEmpty, let note { miss(upTo: note.next, file.name, cursor.offset) }
    return lines
  }

  /// A limit, since hostile bytes could be millions of parts.
  private static let mostPieces = 1000

  /// The committed parts up to the next line; if there is no line, also the first part that is not committed.
  private func committedParts(_ file: File, _ written: Int) throws(PosixError)
    -> (found: [SegmentPart], rest: SegmentPart?)
  {
    var committed = CommittedParts(file, from: cursor.offset, isNewest: true, written: written)
    var parts: [SegmentPart] = []
    while parts.count < Self.mostPieces, let part = try committed.next() {
      parts.append(part)
      if case .line = part.content { return (parts, nil) }
    }
    return (parts, committed.pending.first)
  }

  private func holdingNote() -> LogEnd? { (try? log.note()) ?? nil }

  /// - Parameter end: a line with this number or a greater one is out of place here.
  private mutating func take(
    _ part: SegmentPart, _ path: String, before end: UInt64? = nil, into lines: inout [Line]
  ) {
    switch part.content {
    case .padding, .zeros: break
    case .damage:
      let kind = part.state == .open ? Damage.Kind.unfinished : .unreadable
      note(kind, path, part.range.lowerBound, part.range.count)
    case .line(let line, let ending):
      guard accept(line, path, part.range, before: end) else { break }
      lines.append(line)
      if ending != DurableLog.newline {
        let end = part.range.lowerBound + line.bytes.count
        note(.unended(line.sequence), path, end, part.range.upperBound - end)
      }
    }
    cursor.offset = part.range.upperBound
  }

  private mutating func accept(
    _ line: Line, _ path: String, _ range: Range<Int>, before end: UInt64?
  ) -> Bool {
    let isAgain = line.sequence <= cursor.sequence
    if isAgain || line.sequence >= end ?? .max {
      let kind = isAgain ? Damage.Kind.again(line.sequence) : .early(line.sequence)
      note(kind, path, range.lowerBound, range.count)
      return false
    }
    miss(upTo: line.sequence, path, range.lowerBound)
    if line.time < lastTime {
      note(.backInTime(line.sequence), path, range.lowerBound, range.count)
    }
    lastTime = line.time
    cursor.pass(line, at: range.lowerBound)
    return true
  }

  /// Records that no line had the numbers before `next`.
  private mutating func miss(upTo next: UInt64, _ path: String, _ offset: Int) {
    if next <= cursor.sequence + 1 { return }
    note(.missing((cursor.sequence + 1)...(next - 1)), path, offset, 0)
    cursor.sequence = next - 1
  }

  private mutating func note(_ kind: Damage.Kind, _ path: String, _ offset: Int, _ length: Int) {
    if kind == .unreadable, let last = damage.last, last.kind == kind, last.path == path,
      last.offset + last.length == offset
    {
      damage[damage.count - 1].length += length
    } else {
      damage.append(Damage(path: path, offset: offset, length: length, kind: kind))
    }
  }
}
