import Posix

/// The bytes that wait to be sent.
struct Backlog: Sendable {
  private var bytes: [UInt8] = []
  private var start = 0

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  var count: Int { bytes.count - start }
  var isEmpty: Bool { start == bytes.count }

  mutating func append(_ more: [UInt8]) {
    if isEmpty {
      (bytes, start) = (more, 0)
      return
    }
    // Sent bytes are dropped now and then, not each time, since moving the rest takes time.
    if start > bytes.count / 2 {
      bytes.removeFirst(start)
      start = 0
    }
    bytes += more
  }

  /// Writes as many bytes as possible without waiting.
  mutating func flush(to file: File) throws(PosixError) {
    while !isEmpty {
      let written = try Dial.write(bytes, from: start, to: file)
      if written == 0 { return }
      start += written
    }
    (bytes, start) = ([], 0)
  }
}
