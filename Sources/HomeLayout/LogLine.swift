/// One line of a run's output, as `relshim` writes it: the time it was read, a space, the bytes.
///
/// The bytes come from the app and may be anything; a program cleans them before it shows them.
public struct LogLine: Hashable, Sendable {
  /// Bytes of the longest line. A longer one goes on in the next.
  public static let longest = 16_384

  public var time: Timestamp
  public var text: String

  public init(time: Timestamp, text: String) {
    (self.time, self.text) = (time, text)
  }

  /// Reads a line without its newline. A line without a time (for example, one cut by a full disk)
  /// keeps its text and gets `fallback`, the time of the line before it.
  public init(line: some Sequence<UInt8>, fallback: Timestamp) {
    var bytes = Array(line)
    if bytes.last == 13 { bytes.removeLast() }  // the carriage return of a CR LF
    let text = String(decoding: bytes, as: UTF8.self)
    if let space = text.utf8.firstIndex(of: UInt8(ascii: " ")),
      let time = Timestamp(String(text[..<space]))
    {
      self.init(time: time, text: String(text[text.index(after: space)...]))
    } else {
      self.init(time: fallback, text: text)
    }
  }
}
