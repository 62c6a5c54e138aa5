import HomeLayout
import Posix

/// Reads the log from a cursor on, each line once. It takes no lock and writes nothing.
public struct Reader: Sendable {
  public let log: EventLog
  public private(set) var cursor: Cursor
  /// What was passed over so far, each place once.
  public private(set) var damage: [Damage] = []
  private var lastTime = Timestamp(milliseconds: .min)
  /// The segments as they were listed last; a long log is not listed for each of them.
  private var listing: [UInt64] = []

  public init(_ log: EventLog, from cursor: Cursor = .start) {
    self.log = log
    self.cursor = cursor
  }

  /// The lines that came since the last call, of one segment and about `limit` bytes of it; empty at the end of the log.
  /// - Throws: `notKept` where what comes next was dropped; the call after that goes on with the oldest line.
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
          // Between listing and opening it may have been dropped.
          vanished += 1
          listing = []
          if error.errno == .noSuchFile, vanished < 3 { continue }
          throw .unreadable(error)
        }
        guard let lines else { throw .rewritten(after: before.sequence) }
        if !lines.isEmpty { return lines }
        // Nothing but damage so far: there may be more behind it.
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
      // A note that tells of a later segment is newer than our listing, or the segment is gone.
      guard let note = holdingNote(), note.segment > cursor.segment else { return [] }
      if isSecondLook {
        miss(upTo: note.next, log.path(of: note.segment), 0)
        return []
      }
      isSecondLook = true
    }
  }

  /// The segment to read and the one after it; nil where there is none.
  private mutating func place() throws(EventLogError) -> (segment: UInt64, next: UInt64?)? {
    if let index = listing.firstIndex(of: cursor.segment), index + 1 < listing.count {
      // What was not the newest then is not now.
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

  /// What it stood in is gone; that is no loss only where the next line in order follows.
  private mutating func leave(for segment: UInt64) throws(EventLogError) {
    let last = cursor.sequence
    if segment != last + 1 {
      // Nothing goes before a checkpoint stands for it.
      let checkpoint = try log.checkpoint(before: segment)
      let isDropped = segment > last && checkpoint != nil
      guard isDropped else { throw .rewritten(after: last) }
      cursor = Cursor(segment: segment)
      throw .notKept((last + 1)...(segment - 1))
    }
    cursor.enter(segment)
  }

  /// Lines of a segment from the cursor on; nil if what was read of it is not there any more.
  private mutating func read(_ path: String, before next: UInt64?, _ limit: Int)
    throws(PosixError) -> [Line]?
  {
    let file = try File.open(path, .read)
    guard try cursor.isRight(in: file) else { return nil }
    if let next { return try older(file, before: next, limit) }
    let end = cursor.offset.addingReportingOverflow(limit).partialValue
    var lines: [Line] = []
    var scan = Scan(file, from: cursor.offset)
    var piece = try scan.next()
    while let plain = piece, isNext(plain), lines.isEmpty || cursor.offset < end {
      take(plain, path, into: &lines)
      piece = try scan.next()
    }
    if !lines.isEmpty { return lines }
    return try passOpen(file, isRoom: piece?.isZeros ?? true, limit)
  }

  /// Whether it is what a healthy log goes on with.
  private func isNext(_ piece: Piece) -> Bool {
    switch piece.content {
    case .line(let line, EventLog.newline?): line.sequence == cursor.sequence + 1
    case .padding: true
    default: false
    }
  }

  /// Lines of a segment that no writer writes any more.
  private mutating func older(_ file: File, before next: UInt64, _ limit: Int)
    throws(PosixError) -> [Line]
  {
    let end = cursor.offset.addingReportingOverflow(limit).partialValue
    var lines: [Line] = []
    var walk = Walk(file, from: cursor.offset, isNewest: false)
    while lines.isEmpty || cursor.offset < end, let piece = try walk.next() {
      // Not over the last zeros: the writer may still be about to cut them off.
      if !piece.isZeros { take(piece, file.name, before: next, into: &lines) }
    }
    return lines
  }

  /// Goes over what is not plain in the newest segment, as far as it counts, up to the next line.
  /// - Parameter isRoom: whether it begins with zeros.
  private mutating func passOpen(_ file: File, isRoom: Bool, _ limit: Int) throws(PosixError)
    -> [Line]
  {
    // Looked at before the segment is read: what it tells of is there then.
    var note = holdingNote()
    if let note, note.segment > cursor.segment {
      return try older(file, before: note.next, limit)
    }
    if note?.segment != cursor.segment { note = nil }
    if let note, isRoom, note.offset == cursor.offset, note.next == cursor.sequence + 1 {
      return []
    }
    let written = note?.offset ?? 0
    var (found, rest) = try counting(file, written)
    var isSettled = found.isEmpty
    while !isSettled {
      // A read that meets a write may have the end of it and not its beginning. Writes go from front to back: what is
      // missing when all is read again was never written.
      let again = try counting(file, written)
      isSettled = again.found == found
      (found, rest) = again
    }
    // Of a line that lacks its newline the note tells that it was acknowledged.
    if found.isEmpty, let note, let rest, case .line(let line, _) = rest.content,
      cursor.sequence < line.sequence, line.sequence < note.next
    {
      found = [rest]
    }
    var lines: [Line] = []
    for piece in found {
      take(
        piece, file.name, before: piece.range.lowerBound < written ? note?.next : nil, into: &lines)
    }
    if found.isEmpty, let note { miss(upTo: note.next, file.name, cursor.offset) }
    return lines
  }

  /// At once; hostile bytes could be millions.
  private static let mostPieces = 1000

  /// What counts, to the end of a line, and the first piece that does not where there is no line.
  private func counting(_ file: File, _ written: Int) throws(PosixError)
    -> (found: [Piece], rest: Piece?)
  {
    var walk = Walk(file, from: cursor.offset, isNewest: true, written: written)
    var pieces: [Piece] = []
    while pieces.count < Self.mostPieces, let piece = try walk.next() {
      pieces.append(piece)
      if case .line = piece.content { return (pieces, nil) }
    }
    return (pieces, walk.pending.first)
  }

  private func holdingNote() -> End? { (try? log.note()) ?? nil }

  // MARK: - Taking

  /// - Parameter end: numbers from here on were not given yet where it stands.
  private mutating func take(
    _ piece: Piece, _ path: String, before end: UInt64? = nil, into lines: inout [Line]
  ) {
    switch piece.content {
    case .padding, .zeros: break
    case .damage:
      let kind = piece.state == .open ? Damage.Kind.unfinished : .unreadable
      note(kind, path, piece.range.lowerBound, piece.range.count)
    case .line(let line, let ending):
      guard accept(line, path, piece.range, before: end) else { break }
      lines.append(line)
      if ending != EventLog.newline {
        let end = piece.range.lowerBound + line.bytes.count
        note(.unended(line.sequence), path, end, piece.range.upperBound - end)
      }
    }
    cursor.offset = piece.range.upperBound
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

  /// Numbers that no line had before `next`.
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
