/// ASCII substitutes for glyphs, used if the encoding of the terminal is not UTF-8.
enum Ascii {
  static func substitute(for text: String) -> UInt8 {
    guard let scalar = text.unicodeScalars.first else { return UInt8(ascii: "?") }
    switch scalar {
    case "─", "━", "—", "–", "═": return UInt8(ascii: "-")
    case "│", "┃", "▏", "║": return UInt8(ascii: "|")
    case "┌"..."╋", "╒"..."╬": return UInt8(ascii: "+")
    case "█", "▓", "▉"..."▌": return UInt8(ascii: "#")
    case "░", "▒", "▍", "▎": return UInt8(ascii: ":")
    case "▁"..."▇": return UInt8(ascii: "=")
    case "▸", "▶", "→", "›", "»": return UInt8(ascii: ">")
    case "◂", "◀", "←", "‹", "«": return UInt8(ascii: "<")
    case "↑", "▲", "▴": return UInt8(ascii: "^")
    case "↓", "▼", "▾": return UInt8(ascii: "v")
    case "…": return UInt8(ascii: "~")
    case "·", "•", "●", "○": return UInt8(ascii: "*")
    case "×": return UInt8(ascii: "x")
    case "✓": return UInt8(ascii: "+")
    default:
      return scalar.isASCII ? UInt8(truncatingIfNeeded: scalar.value) : UInt8(ascii: "?")
    }
  }
}
