import Posix

/// A summary of all lines before a segment, kept beside it so that a reader need not begin at the first line. The log
/// does not know what its bytes mean.
public struct Checkpoint: Hashable, Sendable {
  /// The first number of the segment that follows the lines that it sums up.
  public var segment: UInt64
  /// The version of the form of `body`; the reader says which versions it understands.
  public var version: Int
  public var body: [UInt8]

  public init(segment: UInt64, version: Int, body: [UInt8]) {
    (self.segment, self.version, self.body) = (segment, version, body)
  }
}

extension DurableLog {
  private func checkpointPath(_ segment: UInt64) -> String {
    "\(folder)/\(Line.digits(segment)).checkpoint"
  }

  private static let checkpointFormat = 1

  private func head(_ checkpoint: Checkpoint, first: Line) -> String {
    let sum = Hex.encode(CRC32C.bytes(checkpoint.body))
    return "format \(Self.checkpointFormat) version \(checkpoint.version)"
      + " first \(first.crc) crc32c \(sum)\n"
  }

  /// Writes a checkpoint, which is durable when this returns. For a segment without a whole line none is written: a
  /// checkpoint holds the checksum of its segment's first line.
  public func save(_ checkpoint: Checkpoint) throws(EventLogError) {
    guard let first = try firstLine(of: checkpoint.segment) else { return }
    let bytes = Array(head(checkpoint, first: first).utf8) + checkpoint.body
    do throws(PosixError) {
      try Files.replace(checkpointPath(checkpoint.segment), with: bytes)
    } catch { throw .unwritable(error) }
  }

  /// The segments for which a checkpoint file exists, ascending.
  public func checkpoints() throws(EventLogError) -> [UInt64] { try firsts(of: ".checkpoint") }

  /// The checkpoint before a segment; nil if there is none, or if it is damaged or belongs to another log.
  public func checkpoint(before segment: UInt64) throws(EventLogError) -> Checkpoint? {
    guard let bytes = try? Files.read(checkpointPath(segment), limit: 256 << 20),
      let newline = bytes.firstIndex(of: Self.newline, from: 0)
    else { return nil }
    let words = bytes[..<newline].split(separator: UInt8(ascii: " "))
    guard words.count == 8, let version = Int(String(decoding: words[3], as: UTF8.self)),
      let first = try firstLine(of: segment)
    else { return nil }
    let checkpoint = Checkpoint(
      segment: segment, version: version, body: Array(bytes[(newline + 1)...]))
    return bytes[...newline].elementsEqual(head(checkpoint, first: first).utf8) ? checkpoint : nil
  }

  func removeCheckpoint(_ segment: UInt64) throws(PosixError) {
    try Files.remove(checkpointPath(segment))
  }
}
