import HomeFormat
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
  public mutating func next(limit: Int = 256 << 10) throws(EventLogError) -> [Line] {
    var vanished = 0
    while true {
      guard let (segment, next) = try place() else { return [] }
      let path = log.path(of: segment)
      let stretch: Stretch?
      do throws(PosixError) {
        stretch = try self.stretch(of: path, limit: limit, isNewest: next == nil)
      } catch {
        // Between listing and opening it may have been dropped.
        vanished += 1
        listing = []
        if error.errno == .noSuchFile, vanished < 3 { continue }
        throw .unreadable(error)
      }
      guard let stretch else { throw .rewritten(after: cursor.sequence) }
      let before = cursor
      let lines = take(stretch, path: path)
      if !lines.isEmpty { return lines }
      // Nothing but damage so far: there may be more behind it.
      if cursor != before { continue }
      guard let next else { return [] }
      cursor.enter(next)
    }
  }

  /// The segment to read and the one after it; nil where there is no log.
  private mutating func place() throws(EventLogError) -> (segment: UInt64, next: UInt64?)? {
    if let index = listing.firstIndex(of: cursor.segment), index + 1 < listing.count {
      // What was not the newest then is not now.
      return (cursor.segment, listing[index + 1])
    }
    let segments = try log.segments()
    listing = segments
    guard let segment = segments.last(where: { $0 <= cursor.segment }) ?? segments.first else {
      if cursor.sequence > 0 { throw .rewritten(after: cursor.sequence) }
      return nil
    }
    if cursor.segment == 0 {
      cursor = Cursor(segment: segment)
    } else if segment != cursor.segment {
      // What it stood in is gone; that is no loss only where the next line in order follows.
      if segment != cursor.sequence + 1 { throw .rewritten(after: cursor.sequence) }
      cursor.enter(segment)
    }
    return (segment, segments.first { $0 > segment })
  }

  /// Bytes of a segment from the cursor on.
  private struct Stretch {
    var bytes: [UInt8]
    /// Whether the file has no more.
    var reachesEnd: Bool
    /// Whether lines may still come; then zeros are room for them.
    var isNewest: Bool
  }

  private static let step = 65_536
  /// Nothing longer can be a line; what is left of it when a newline comes, can.
  private static let longestStretch = 2 * EventLog.longestLine

  /// To the end of a line at least, if there is one; nil if what was read of the file is not there any more.
  private func stretch(of path: String, limit: Int, isNewest: Bool) throws(PosixError) -> Stretch? {
    let file = try File.open(path, .read)
    let trail = cursor.trail
    if try file.read(upTo: trail.count, at: cursor.trailEnd - trail.count) != trail { return nil }
    if try file.size() < cursor.offset { return nil }
    var stretch = try stretch(of: file, limit: limit, isNewest: isNewest)
    guard isNewest else { return stretch }
    // A read that meets a write may have the end of it and not its beginning. Writes go from front to back, and what
    // is seen of one was preceded by all before it: read again, that is there, or it was never written.
    let settled = stretch.bytes.countWithoutZeros
    let hasHole = stretch.bytes.firstIndex(of: 0, from: 0).map { $0 < settled } ?? false
    if hasHole { stretch.bytes = try Self.read(settled, of: file, at: cursor.offset) }
    return stretch
  }

  private static func read(_ count: Int, of file: File, at offset: Int) throws(PosixError)
    -> [UInt8]
  {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = try file.read(upTo: count - bytes.count, at: offset + bytes.count)
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  private func stretch(of file: File, limit: Int, isNewest: Bool) throws(PosixError) -> Stretch {
    var stretch = Stretch(bytes: [], reachesEnd: false, isNewest: isNewest)
    var hasNewline = false
    while true {
      let wanted = hasNewline ? limit - stretch.bytes.count : max(limit, Self.step)
      if wanted <= 0 { return stretch }
      let part = try file.read(
        upTo: min(wanted, Self.step), at: cursor.offset + stretch.bytes.count)
      stretch.bytes += part
      stretch.reachesEnd = part.isEmpty
      hasNewline = hasNewline || part.firstIndex(of: EventLog.newline, from: 0) != nil
      if part.isEmpty || isNewest && stretch.bytes.first == 0 { return stretch }
      let hasZero = part.firstIndex(of: 0, from: 0) != nil
      if hasNewline ? hasZero : stretch.bytes.count >= Self.longestStretch { return stretch }
    }
  }

  /// Splits whole lines off and goes on behind them.
  private mutating func take(_ stretch: Stretch, path: String) -> [Line] {
    let (pieces, rest) = Piece.split(stretch.bytes)
    let base = cursor.offset
    var lines: [Line] = []
    for piece in pieces {
      if stretch.isNewest, stretch.bytes[piece.range.lowerBound] == 0 { return lines }
      let place = base + piece.range.lowerBound
      switch piece.content {
      case .padding: break
      case .damage: note(.unreadable, path, place, piece.range.count)
      case .line(let line):
        if accept(line, path, place, piece.range.count) { lines.append(line) }
      }
      cursor.offset = base + piece.range.upperBound
    }
    pass(stretch, from: rest, path: path)
    return lines
  }

  private mutating func accept(_ line: Line, _ path: String, _ offset: Int, _ length: Int) -> Bool {
    if line.sequence <= cursor.sequence {
      note(.again(line.sequence), path, offset, length)
      return false
    }
    if line.sequence > cursor.sequence + 1 {
      note(.missing((cursor.sequence + 1)...(line.sequence - 1)), path, offset, 0)
    }
    if line.time < lastTime { note(.backInTime(line.sequence), path, offset, length) }
    lastTime = line.time
    cursor.pass(line, end: offset + length)
    return true
  }

  /// Goes over what has no newline where none will come any more: zeros that were never written over, the
  /// beginning of a line in a closed segment, or more bytes than a line can have.
  private mutating func pass(_ stretch: Stretch, from start: Int, path: String) {
    let bytes = stretch.bytes
    var rest = start..<bytes.count
    if rest.isEmpty { return }
    let isTooLong = rest.count >= Self.longestStretch
    // Zeros in the newest segment are room: what a writer has left there by its end will be overwritten.
    let mayBecomeLines = stretch.isNewest && (bytes[start] == 0 || bytes.last == 0)
    if mayBecomeLines || !isTooLong && (stretch.isNewest || !stretch.reachesEnd) { return }
    let isEnd = stretch.reachesEnd && !stretch.isNewest
    if !isEnd { rest = start..<(bytes.count - EventLog.longestLine) }
    let end = Array(bytes[..<rest.upperBound]).countWithoutZeros
    if start < end, let first = bytes[start..<end].firstIndex(where: { $0 != 0 }),
      bytes[first..<end].contains(where: { $0 != Piece.padding })
    {
      let offset = cursor.offset + first - start
      note(isEnd ? .unfinished : .unreadable, path, offset, end - first)
    }
    // Not over the last zeros: the writer may still be about to cut them off.
    cursor.offset += (isEnd ? max(start, end) : rest.upperBound) - start
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
