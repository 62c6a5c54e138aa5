import Terminal

/// A frame as lines with colour escapes, for a terminal that only gets one frame.
enum Ansi {
  static func lines(_ frame: Frame, _ palette: Palette, _ depth: ColorDepth) -> [String] {
    (0..<frame.size.rows).map { number in
      let cells = frame.row(number)
      let end = cells.lastIndex { $0.text != " " || palette.look($0.role, depth: depth).isVisible }
      guard let end else { return "" }
      var line = ""
      var current = Palette.Look(attributes: [])
      for cell in cells[...end] {
        let look = palette.look(cell.role, depth: depth)
        if look != current {
          line += escape(look)
          current = look
        }
        line += cell.text
      }
      return line + (current == Palette.Look(attributes: []) ? "" : "\u{1B}[0m")
    }
  }

  /// As many colours as the environment says; for one frame terminfo is not asked.
  static func depth(_ environment: [String: String]) -> ColorDepth {
    let terminal = environment["TERM"] ?? ""
    if environment["NO_COLOR"]?.isEmpty == false || terminal.isEmpty || terminal == "dumb" {
      return .mono
    }
    let isRich = environment["COLORTERM"] != nil || terminal.contains("256color")
    return isRich ? .many : terminal == "linux" ? .eight : .sixteen
  }

  /// ECMA-48, SGR.
  private static func escape(_ look: Palette.Look) -> String {
    let attributes: [(Style.Attributes, Int)] = [
      (.bold, 1), (.dim, 2), (.italic, 3), (.underline, 4), (.reverse, 7),
    ]
    var numbers = [0] + attributes.filter { look.attributes.contains($0.0) }.map(\.1)
    if let color = look.foreground { numbers += [38, 5, Int(color)] }
    if let color = look.background { numbers += [48, 5, Int(color)] }
    return "\u{1B}[" + numbers.map(String.init).joined(separator: ";") + "m"
  }
}

extension Palette.Look {
  /// Whether a blank with it can be seen.
  fileprivate var isVisible: Bool {
    background != nil || !attributes.isDisjoint(with: [.underline, .reverse])
  }
}
