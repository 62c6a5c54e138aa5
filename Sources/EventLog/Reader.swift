import HomeFormat
import Posix

/// Where a reader stands: behind the line with this number.
public struct Cursor: Hashable, Sendable {
  /// The last line read; 0 before the first.
  public var sequence: UInt64
  var segment: UInt64
  var offset: Int
  /// The bytes before `offset`, the checksum of the last line among them: by them a rewritten history is noticed.
  var trail: [UInt8] = []

  static let trailLength = 16

  /// Before the oldest line.
  public static let start = Cursor(sequence: 0, segment: 0, offset: 0)

  mutating func enter(_ segment: UInt64) { (self.segment, offset, trail) = (segment, 0, []) }

  /// Goes on behind `bytes`, which lie at `offset`.
  mutating func pass(_ bytes: ArraySlice<UInt8>) {
    offset += bytes.count
    trail = (trail + bytes.suffix(Self.trailLength)).suffix(Self.trailLength)
  }
}

/// Bytes in a segment that are no line of ours.
public struct Damage: Hashable, Sendable {
  public var path: String
  public var offset: Int
  public var length: Int
}

/// Reads the log from a cursor on, each line once.
public struct Reader: Sendable {
  public let log: EventLog
  public private(set) var cursor: Cursor
  /// What was passed over so far.
  public private(set) var damage: [Damage] = []

  public init(_ log: EventLog, from cursor: Cursor = .start) {
    self.log = log
    self.cursor = cursor
  }

  /// The lines that came since the last call, up to about `limit` bytes of them; empty at the end of the log.
  public mutating func next(limit: Int = 4 << 20) throws(EventLogError) -> [Line] {
    while true {
      let segments = try log.segments()
      guard let segment = segments.last(where: { $0 <= cursor.segment }) ?? segments.first else {
        if cursor.sequence > 0 { throw .rewritten(after: cursor.sequence) }
        return []
      }
      if segment != cursor.segment {
        // What it stood in is gone; that is no loss only where the next line in order follows.
        if cursor.segment > 0, segment != cursor.sequence + 1 {
          throw .rewritten(after: cursor.sequence)
        }
        cursor.enter(segment)
      }
      let next = segments.first { $0 > segment }
      let before = cursor
      let lines = try read(limit: limit, isNewest: next == nil)
      if !lines.isEmpty { return lines }
      // Nothing but damage so far: there may be more behind it.
      if cursor != before { continue }
      guard let next else { return [] }
      cursor.enter(next)
    }
  }

  private mutating func read(limit: Int, isNewest: Bool) throws(EventLogError) -> [Line] {
    let path = log.path(of: cursor.segment)
    let unread: Unread?
    do throws(PosixError) { unread = try self.unread(path, limit: limit) } catch {
      throw .unreadable(error)
    }
    guard let unread else { throw .rewritten(after: cursor.sequence) }
    return take(lines: unread, path: path, isNewest: isNewest)
  }

  private struct Unread {
    var bytes: [UInt8]
    var reachesEnd: Bool
  }

  /// What lies behind the cursor, to the end of a line at least; nil if what was read of the file is not there any more.
  private func unread(_ path: String, limit: Int) throws(PosixError) -> Unread? {
    let file = try File.open(path, .read)
    let size = try file.size()
    let trail = cursor.trail
    if size < cursor.offset { return nil }
    if try file.read(upTo: trail.count, at: cursor.offset - trail.count) != trail { return nil }
    var bytes = try file.read(upTo: min(limit, size - cursor.offset), at: cursor.offset)
    var isWhole = bytes.contains(UInt8(ascii: "\n"))
    while !isWhole, cursor.offset + bytes.count < size {
      let more = try file.read(upTo: max(limit, 65_536), at: cursor.offset + bytes.count)
      if more.isEmpty { break }
      isWhole = more.contains(UInt8(ascii: "\n"))
      bytes += more
    }
    return Unread(bytes: bytes, reachesEnd: cursor.offset + bytes.count >= size)
  }

  /// Splits whole lines off; what follows the last newline waits for its rest, unless there will be none.
  private mutating func take(lines unread: Unread, path: String, isNewest: Bool) -> [Line] {
    let bytes = unread.bytes
    var lines: [Line] = []
    var start = 0
    func damaged(to end: Int) -> Damage {
      Damage(path: path, offset: cursor.offset + start, length: end - start)
    }
    while start < bytes.count {
      guard let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else {
        if isNewest || !unread.reachesEnd { break }
        damage.append(damaged(to: bytes.count))
        start = bytes.count
        break
      }
      if let line = Line(bytes[start..<newline]), line.sequence > cursor.sequence {
        lines.append(line)
        cursor.sequence = line.sequence
      } else {
        damage.append(damaged(to: newline + 1))
      }
      start = newline + 1
    }
    cursor.pass(bytes[..<start])
    return lines
  }
}
