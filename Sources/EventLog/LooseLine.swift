import HomeLayout

// Lines outside of a log, in a file that comes with a slug. They have the same form, and are numbered from 1.
extension Line {
  /// Makes a line with a number and a time that do not come from a log.
  public static func loose(_ event: NewEvent, sequence: UInt64, time: Timestamp) -> Line {
    Line(Form(event), sequence: sequence, time: time, moment: time.text)
  }

  /// Reads a line without its newline; nil if it is not whole and valid.
  public static func loose(_ bytes: ArraySlice<UInt8>) -> Line? { Line(bytes) }
}
