import HomeFormat

/// Lines that lie outside a log, in a file that travels: of the same shape, numbered from 1 in that file.
extension Line {
  /// Makes a line that no log gives its number and time.
  public static func loose(_ draft: Draft, sequence: UInt64, time: Timestamp) -> Line {
    Line(draft, sequence: sequence, time: time)
  }

  /// Reads a line without its newline; nil if its head is not as described, or its checksum is wrong.
  public static func loose(_ bytes: ArraySlice<UInt8>) -> Line? {
    guard bytes.dropFirst(head.count + 16).starts(with: afterSequence), let line = Line(bytes)
    else { return nil }
    return line.id.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
      ? line : nil
  }

  /// The event's id, which has its place in every line.
  public var id: String {
    let start = Self.head.count + 16 + Self.afterSequence.count
    return String(decoding: bytes.dropFirst(start).prefix(32), as: UTF8.self)
  }
}
