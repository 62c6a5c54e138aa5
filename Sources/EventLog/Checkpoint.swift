import Posix

/// What somebody has made of all lines before a segment, kept beside it so that the log need not be read from its
/// beginning. The log does not know what the bytes mean.
public struct Checkpoint: Hashable, Sendable {
  /// The first number of the segment it stands before.
  public var segment: UInt64
  /// Of what the bytes mean; who reads them says which it understands.
  public var version: Int
  public var body: [UInt8]

  public init(segment: UInt64, version: Int, body: [UInt8]) {
    (self.segment, self.version, self.body) = (segment, version, body)
  }
}

extension EventLog {
  private func checkpointPath(_ segment: UInt64) -> String {
    "\(folder)/\(Line.digits(segment)).checkpoint"
  }

  private static let checkpointFormat = 1

  private func head(_ checkpoint: Checkpoint, first: Line) -> String {
    let sum = Hex.encode(CRC32C.bytes(checkpoint.body))
    return "format \(Self.checkpointFormat) version \(checkpoint.version)"
      + " first \(first.crc) crc32c \(sum)\n"
  }

  /// Keeps a checkpoint; when this returns it is durable. One for a segment without a whole line is not kept: by
  /// its first line it is known again.
  public func save(_ checkpoint: Checkpoint) throws(EventLogError) {
    guard let first = try firstLine(of: checkpoint.segment) else { return }
    let bytes = Array(head(checkpoint, first: first).utf8) + checkpoint.body
    do throws(PosixError) {
      try Files.replace(checkpointPath(checkpoint.segment), with: bytes)
    } catch { throw .unwritable(error) }
  }

  /// The segments that a checkpoint may stand before, ascending.
  public func checkpoints() throws(EventLogError) -> [UInt64] { try firsts(of: ".checkpoint") }

  /// A checkpoint that is whole and belongs to this log; nil for any other.
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
