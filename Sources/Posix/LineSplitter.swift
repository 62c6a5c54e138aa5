/// A splitter that turns bytes, which arrive in parts, into lines.
public struct LineSplitter: Sendable {
  /// A longer line is cut into parts of this many bytes.
  let longest: Int
  private var pending: [UInt8] = []

  public init(longest: Int = 16_384) { self.longest = longest }

  public mutating func feed(_ bytes: [UInt8]) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || pending.count == longest { lines.append(take()) }
      if byte != UInt8(ascii: "\n") { pending.append(byte) }
    }
    return lines
  }

  /// The last line, if it has no newline.
  public mutating func finish() -> [String] { pending.isEmpty ? [] : [take()] }

  private mutating func take() -> String {
    if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
    // A program may overwrite its line by carriage returns; only the last text is kept.
    let visible = pending.split(separator: UInt8(ascii: "\r")).last ?? []
    pending.removeAll(keepingCapacity: true)
    return String(decoding: visible, as: UTF8.self)
  }
}
