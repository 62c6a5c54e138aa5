import HomeFormat
import Posix

/// One durable log in a folder, written by any number of processes and read by any number more.
///
/// Segments are files of lines, named by the sequence number of their first line. A line is a CloudEvents 1.0
/// object of a fixed shape (see `Line`). The log knows the envelope of an event, not what it means.
///
/// What holds at every moment:
/// - Sequence numbers grow by one from line to line across all segments.
/// - A line counts if it ends in a newline and its checksum is right; nothing else does, for readers and writers alike.
/// - `append` returns when its lines are on the disk; bytes behind the last whole line were never acknowledged.
/// - Only whoever holds `.lock` writes; readers need no lock and write nothing.
public struct EventLog: Sendable {
  public let folder: String
  /// A segment that has reached this many bytes is followed by a new one.
  let segmentLimit: Int

  /// Nothing is touched before the first append or read.
  public init(folder: String, segmentLimit: Int = 8 << 20) {
    self.folder = folder
    self.segmentLimit = segmentLimit
  }

  static let longestLine = 1 << 20

  func path(of segment: UInt64) -> String { "\(folder)/\(Line.digits(segment)).jsonl" }

  /// First sequence numbers of the segments, ascending; empty where the folder is not there yet.
  func segments() throws(EventLogError) -> [UInt64] {
    let names: [String]
    do throws(PosixError) { names = try Files.list(folder) } catch {
      if error.errno == .noSuchFile { return [] }
      throw .unreadable(error)
    }
    return names.compactMap { name in
      let digits = name.utf8.prefix(16)
      guard name.hasSuffix(".jsonl"), name.utf8.count == 22,
        digits.allSatisfy({ (48...57).contains($0) }), let first = UInt64(name.prefix(16)),
        first > 0
      else { return nil }
      return first
    }.sorted()
  }
}

public enum EventLogError: Error, Hashable, Sendable {
  case unreadable(PosixError)
  case unwritable(PosixError)
  /// An event's line would be longer than this many bytes.
  case tooLong(limit: Int)
  /// An event whose id is not 32 hexadecimal digits, or whose data is not on one line: nobody could read it back.
  case malformed(id: String)
  /// What a cursor had read is not there any more: the log was replaced or cut.
  case rewritten(after: UInt64)
}

/// An event as it is handed in; number, time and checksum are the log's.
public struct Draft: Hashable, Sendable {
  /// 128 random bits as 32 hexadecimal digits.
  public var id: String
  /// A URI reference naming who says it: `host/program`.
  public var source: String
  public var type: String
  public var subject: String?
  /// A JSON object on one line.
  public var data: [UInt8]

  public init(source: String, type: String, subject: String?, data: [UInt8]) {
    id = Random.hex(16)
    self.source = source
    self.type = type
    self.subject = subject
    self.data = data
  }
}
