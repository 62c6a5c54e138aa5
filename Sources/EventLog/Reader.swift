import HomeFormat
import Posix

/// Where a reader stands: behind the line with this number.
public struct Cursor: Hashable, Sendable {
  /// The last line read; 0 before the first.
  public var sequence: UInt64
  var segment: UInt64
  var offset: Int

  /// Before the oldest line.
  public static let start = Cursor(sequence: 0, segment: 0, offset: 0)
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
        if cursor.segment > 0, segment < cursor.segment {
          throw .rewritten(after: cursor.sequence)
        }
        (cursor.segment, cursor.offset) = (segment, 0)
      }
      let next = segments.first { $0 > segment }
      let lines = try read(limit: limit, isNewest: next == nil)
      if !lines.isEmpty { return lines }
      guard let next else { return [] }
      (cursor.segment, cursor.offset) = (next, 0)
    }
  }

  private mutating func read(limit: Int, isNewest: Bool) throws(EventLogError) -> [Line] {
    let path = log.path(of: cursor.segment)
    let unread: [UInt8]?
    do throws(PosixError) { unread = try bytes(of: path, limit: limit) } catch {
      throw .unreadable(error)
    }
    guard let unread else { throw .rewritten(after: cursor.sequence) }
    return take(lines: unread, path: path, isNewest: isNewest)
  }

  /// What lies behind the cursor, to the end of a line at least; nil if the file is shorter than what was read of it.
  private func bytes(of path: String, limit: Int) throws(PosixError) -> [UInt8]? {
    let file = try File.open(path, .read)
    let size = try file.size()
    if size < cursor.offset { return nil }
    var bytes = try file.read(upTo: min(limit, size - cursor.offset), at: cursor.offset)
    while !bytes.contains(UInt8(ascii: "\n")), cursor.offset + bytes.count < size {
      let more = try file.read(upTo: limit, at: cursor.offset + bytes.count)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes
  }

  /// Splits whole lines off; what follows the last newline waits for its rest, unless the segment is closed.
  private mutating func take(lines bytes: [UInt8], path: String, isNewest: Bool) -> [Line] {
    var lines: [Line] = []
    var start = 0
    while start < bytes.count {
      guard let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else {
        if isNewest || bytes.count - start > EventLog.longestLine { break }
        damage.append(
          Damage(path: path, offset: cursor.offset + start, length: bytes.count - start))
        start = bytes.count
        break
      }
      if let line = Line(bytes[start..<newline]), line.sequence > cursor.sequence {
        lines.append(line)
        cursor.sequence = line.sequence
      } else {
        damage.append(
          Damage(path: path, offset: cursor.offset + start, length: newline + 1 - start))
      }
      start = newline + 1
    }
    cursor.offset += start
    return lines
  }
}
