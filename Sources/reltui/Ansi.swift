import Terminal

/// A frame as lines with colour escapes, for a terminal that only gets one frame.
enum Ansi {
  static func lines(_ frame: Frame, _ palette: Palette, _ depth: ColorDepth) -> [String] {
    (0..<frame.size.rows).map { number in
      let cells = frame.row(number)
      let end = cells.lastIndex {
        $0.text != " " || !palette.appearance($0.role, depth: depth).isUnseenOnBlanks
      }
      guard let end else { return "" }
      var line = ""
      var current = Palette.Appearance(attributes: [])
      for cell in cells[...end] {
        let appearance = palette.appearance(cell.role, depth: depth)
        if appearance != current {
          line += escape(appearance)
          current = appearance
        }
        line += cell.text
      }
      return line + (current == Palette.Appearance(attributes: []) ? "" : "\u{1B}[0m")
    }
  }

  /// The colour depth by the environment alone; for one frame terminfo is not read.
  static func depth(_ environment: [String: String]) -> ColorDepth {
    let terminal = environment["TERM"] ?? ""
    if environment["NO_COLOR"]?.isEmpty == false || terminal.isEmpty || terminal == "dumb" {
      return .mono
    }
    let isRich = environment["COLORTERM"] != nil || terminal.contains("256color")
    return isRich ? .many : terminal == "linux" ? .eight : .sixteen
  }

  /// ECMA-48, SGR.
  private static func escape(_ appearance: Palette.Appearance) -> String {
    let attributes: [(Style.Attributes, Int)] = [
      (.bold, 1), (.dim, 2), (.italic, 3), (.underline, 4), (.reverse, 7),
    ]
    var numbers = [0] + attributes.filter { appearance.attributes.contains($0.0) }.map(\.1)
    if let color = appearance.foreground { numbers += [38, 5, Int(color)] }
    if let color = appearance.background { numbers += [48, 5, Int(color)] }
    return "\u{1B}[" + numbers.map(String.init).joined(separator: ";") + "m"
  }
}
