extension Frame {
  /// The rows as plain text without trailing blanks: a golden frame, or the screen of a terminal
  /// that cannot place its cursor.
  public var text: [String] {
    (0..<size.rows).map { number in
      let line = row(number).reversed().drop { $0.text == " " }
      return line.reversed().reduce(into: "") { $0 += $1.text }
    }
  }

  /// The rows as text in which every stretch that is not plain text names its role:
  /// `greeter ⟦ready:ready⟧`. Trailing blanks are kept where they have a role.
  public var annotated: [String] {
    (0..<size.rows).map { number in
      let line = row(number).reversed().drop { $0 == .blank }
      var text = ""
      var role = Role.text
      for cell in line.reversed() {
        if cell.role != role {
          if role != .text { text += "⟧" }
          role = cell.role
          if role != .text { text += "⟦\(role.rawValue):" }
        }
        text += cell.text
      }
      return role == .text ? text : text + "⟧"
    }
  }
}
