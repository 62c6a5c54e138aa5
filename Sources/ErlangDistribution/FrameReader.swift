/// A reader that cuts a stream of bytes into messages. The length of each message comes before it.
public struct FrameReader: Sendable {
  private var buffer: [UInt8] = []
  private var start = 0
  /// Bytes of the length: two in the handshake, four after it.
  var width: Int
  /// The longest message that is accepted.
  var limit: Int

  public init(width: Int, limit: Int) { (self.width, self.limit) = (width, limit) }

  /// Bytes in memory, including those that were read already.
  var held: Int { buffer.count }

  public mutating func append(_ bytes: [UInt8]) {
    if start == buffer.count {
      (buffer, start) = (bytes, 0)
      return
    }
    // Bytes that were read are dropped now and then, not each time, since moving the rest takes time.
    if start > 65_536, start > buffer.count / 2 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer += bytes
  }

  /// The next whole message; nil if there is none yet.
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
