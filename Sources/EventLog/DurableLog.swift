import Posix

/// A durable log in a folder. Any number of processes may write and read it.
///
/// Segments are files of lines, named by the sequence number of their first line. A line is a CloudEvents 1.0
/// object of a fixed shape (see `Line`). The log knows the envelope of an event, not what it means.
///
/// These statements are true at every moment:
/// - Sequence numbers grow by one from line to line across all segments.
/// - `SegmentPart` defines what a line is, and `CommittedParts` where the log ends, for readers and writers alike.
/// - `append` returns when its lines are on the disk. Bytes after the end of the log were never acknowledged.
/// - Only the process that holds `.lock` writes. Readers need no lock and write nothing.
/// - The newest segment has its full length from the beginning, with zeros after its last line. So a write does not
///   change the file's size, and syncing it writes no metadata and needs no space.
///
/// `docs/reference/event-log.md` has the format in full.
public struct DurableLog: Sendable {
  public let folder: String
  /// Bytes of a new segment.
  let segmentSize: Int
  let cache = WriterCache()

  /// No file is touched before the first append or read.
  public init(folder: String, segmentSize: Int = 1 << 20) {
    (self.folder, self.segmentSize) = (folder, segmentSize)
  }

  /// In bytes. It is a fraction of a segment, so that one line never fills a segment alone.
  public static let longestLine = 256 << 10

  static let newline = UInt8(ascii: "\n")

  func path(of segment: UInt64) -> String { "\(folder)/\(Line.digits(segment)).jsonl" }

  /// First sequence numbers of the segments, ascending; empty if the folder does not exist yet.
  public func segments() throws(EventLogError) -> [UInt64] { try firsts(of: ".jsonl") }

  /// The numbers in the names of files of a kind, ascending.
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
  /// The lines were written, but they may not be on the disk.
  case unsynced(PosixError)
  /// An event's line would be longer than this many bytes.
  case tooLong(limit: Int)
  /// An event whose id is not 32 hexadecimal digits, or whose data is not on one line, could not be read back.
  case malformed(id: String)
  /// These events were dropped by the log's limits before the reader reached them.
  case notKept(ClosedRange<UInt64>)
  /// The line before a cursor is not there any more: the log was replaced or cut.
  case rewritten(after: UInt64)
  /// A file of the log has this format number, which only a newer version of the program can read.
  case newerFormat(Int)
}
