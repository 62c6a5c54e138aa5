import HomeLayout
import Posix

/// One durable log in a folder, written by any number of processes and read by any number more.
///
/// Segments are files of lines, named by the sequence number of their first line. A line is a CloudEvents 1.0
/// object of a fixed shape (see `Line`). The log knows the envelope of an event, not what it means.
///
/// What holds at every moment:
/// - Sequence numbers grow by one from line to line across all segments.
/// - `Piece` says what a line is and `Walk` where the log ends, for readers and writers alike; nothing else counts.
/// - `append` returns when its lines are on the disk; bytes behind the end of the log were never acknowledged.
/// - Only whoever holds `.lock` writes; readers need no lock and write nothing.
/// - The newest segment is as long as it will be, zeros behind its last line: a write changes no size, so that syncing
///   it writes no metadata, and needs no space.
///
/// `docs/reference/event-log.md` has the format in full.
public struct EventLog: Sendable {
  public let folder: String
  /// Bytes of a new segment.
  let segmentSize: Int
  let desk = Desk()

  /// Nothing is touched before the first append or read.
  public init(folder: String, segmentSize: Int = 1 << 20) {
    self.folder = folder
    self.segmentSize = segmentSize
  }

  /// Bytes; some room is left in a segment for the lines of others.
  public static let longestLine = 256 << 10

  static let newline = UInt8(ascii: "\n")

  func path(of segment: UInt64) -> String { "\(folder)/\(Line.digits(segment)).jsonl" }

  /// First sequence numbers of the segments, ascending; empty where the folder is not there yet.
  public func segments() throws(EventLogError) -> [UInt64] { try firsts(of: ".jsonl") }

  /// The numbers that files of a kind are named by, ascending.
  func firsts(of suffix: String) throws(EventLogError) -> [UInt64] {
    let names: [String]
    do throws(PosixError) { names = try Files.list(folder, skippingOthers: true) } catch {
      if error.errno == .noSuchFile { return [] }
      throw .unreadable(error)
    }
    return names.compactMap { name in
      let digits = name.utf8.prefix(16)
      guard name.hasSuffix(suffix), name.utf8.count == 16 + suffix.utf8.count,
        digits.allSatisfy({ (48...57).contains($0) }), let first = UInt64(name.prefix(16)),
        (1...Line.greatest).contains(first)
      else { return nil }
      return first
    }
  }
}

public enum EventLogError: Error, Hashable, Sendable {
  case unreadable(PosixError)
  /// Nothing was written.
  case unwritable(PosixError)
  /// The lines were written, but whether they are on the disk nobody knows.
  case unsynced(PosixError)
  /// An event's line would be longer than this many bytes.
  case tooLong(limit: Int)
  /// An event whose id is not 32 hexadecimal digits, or whose data is not on one line: nobody could read it back.
  case malformed(id: String)
  /// These numbers were dropped before the reader came to them, as the log's limits demand.
  case notKept(ClosedRange<UInt64>)
  /// What a cursor had read is not there any more: the log was replaced or cut.
  case rewritten(after: UInt64)
  /// Written by a version of the program that is newer than this one.
  case newerFormat(Int)
}
