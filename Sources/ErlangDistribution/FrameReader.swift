/// Cuts a stream of bytes into messages, each behind its length.
public struct FrameReader: Sendable {
  private var buffer: [UInt8] = []
  private var start = 0
  /// Bytes of the length: two while hands are shaken, four behind it.
  var width: Int
  /// The longest message that is taken.
  var limit: Int

  public init(width: Int, limit: Int) { (self.width, self.limit) = (width, limit) }

  /// Bytes in memory, read ones too.
  var held: Int { buffer.count }

  public mutating func append(_ bytes: [UInt8]) {
    if start == buffer.count {
      (buffer, start) = (bytes, 0)
      return
    }
    // What has been read is given up now and then, not each time: moving it costs.
    if start > 65_536, start > buffer.count / 2 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer += bytes
  }

  /// The next whole message; nil while there is none.
  public mutating func next() throws(DistributionError) -> [UInt8]? {
    guard buffer.count - start >= width else { return nil }
    let length = buffer[start..<start + width].reduce(0) { $0 << 8 | Int($1) }
    if length > limit { throw .malformed(.frameTooLarge(bytes: length, limit: limit)) }
    let end = start + width + length
    guard end <= buffer.count else { return nil }
    let message = Array(buffer[(start + width)..<end])
    start = end
    return message
  }
}
