import HomeLayout

/// Lines that lie outside a log, in a file that travels: of the same shape, numbered from 1 in that file.
extension Line {
  /// Makes a line that no log gives its number and time.
  public static func loose(_ draft: Draft, sequence: UInt64, time: Timestamp) -> Line {
    Line(Form(draft), sequence: sequence, time: time, moment: time.text)
  }

  /// Reads a line without its newline; nil if it is not whole and right.
  public static func loose(_ bytes: ArraySlice<UInt8>) -> Line? { Line(bytes) }
}
