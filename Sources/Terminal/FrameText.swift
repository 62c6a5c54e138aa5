extension Frame {
  /// The rows as plain text without trailing blanks: a golden frame, or the screen of a terminal
  /// that cannot place its cursor.
  public var text: [String] {
    (0..<size.rows).map { number in
      let line = row(number).reversed().drop { $0.text == " " }
      return line.reversed().reduce(into: "") { $0 += $1.text }
    }
  }
}
