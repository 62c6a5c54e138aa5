/// The content of one or two cells: a base code point and the marks drawn over it.
package struct Cluster: Equatable {
  package var text: String
  /// 1 or 2.
  package var width: Int

  static let space = Cluster(text: " ", width: 1)
  static let replacement = Cluster(text: "\u{FFFD}", width: 1)
}

/// Untrusted text as clusters that any terminal draws as one or two cells. They are made one at a
/// time, so that a caller that needs only the start of a long text does not pay for all of it.
///
/// Terminals disagree on the width of joined emoji, skin tones, variation selectors and flags. A
/// wrong guess would misalign the row, so only what all terminals agree on is drawn.
struct Clusters: Sequence, IteratorProtocol {
  /// More marks than any script uses; ncurses keeps four.
  private static let mostMarks = 4
  private static let tabWidth = 4

  private var scalars: String.UnicodeScalarView.Iterator
  private var held: Unicode.Scalar?
  private var spaces = 0

  init(_ text: String) { scalars = text.unicodeScalars.makeIterator() }

  mutating func next() -> Cluster? {
    if spaces > 0 {
      spaces -= 1
      return .space
    }
    guard let scalar = take() else { return nil }
    switch scalar.value {
    case 0x20...0x7E: return withMarks(Cluster(text: String(scalar), width: 1))
    case 0x09:
      spaces = Self.tabWidth - 1
      return .space
    case 0x0A: return .space
    case 0x0D: return lineEnd()
    case 0x1F1E6...0x1F1FF: return flagLetter(scalar)
    default: break
    }
    guard Self.isDrawable(scalar) else { return .replacement }
    return withMarks(Cluster(text: String(scalar), width: CellWidth.of(scalar)))
  }

  private mutating func take() -> Unicode.Scalar? {
    if let scalar = held {
      held = nil
      return scalar
    }
    return scalars.next()
  }

  /// CR LF is one line end; a lone CR would let a text overwrite its own beginning.
  private mutating func lineEnd() -> Cluster {
    guard let scalar = scalars.next() else { return .replacement }
    if scalar.value == 0x0A { return .space }
    held = scalar
    return .replacement
  }

  /// Half of a flag is a letter of its country code.
  private func flagLetter(_ scalar: Unicode.Scalar) -> Cluster {
    let letter = UInt8(ascii: "A") + UInt8(truncatingIfNeeded: scalar.value - 0x1F1E6)
    return Cluster(text: String(Unicode.Scalar(letter)), width: 1)
  }

  private mutating func withMarks(_ base: Cluster) -> Cluster {
    var cluster = base
    var count = 0
    var leavesOut = true
    while let scalar = scalars.next() {
      if leavesOut, Self.isModifier(scalar) {
        leavesOut = false
        continue
      }
      guard count < Self.mostMarks, CellWidth.isMark(scalar), Self.isAgreed(scalar) else {
        held = scalar
        break
      }
      cluster.text.unicodeScalars.append(scalar)
      count += 1
    }
    return cluster
  }

  /// Whether it is a variation selector or a skin tone, which changes only the look. One is left out.
  private static func isModifier(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0xFE00...0xFE0F, 0x1F3FB...0x1F3FF: true
    default: false
    }
  }

  /// Whether it takes a cell of its own: it is visible, not a control character and not a mark.
  private static func isDrawable(_ scalar: Unicode.Scalar) -> Bool {
    isAgreed(scalar) && !isModifier(scalar) && !CellWidth.isMark(scalar)
  }

  /// Whether every terminal knows it, and it is visible.
  private static func isAgreed(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0xA0 { return 0x20...0x7E ~= scalar.value }
    let properties = scalar.properties
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      return false
    default: break
    }
    guard let age = properties.age, (age.major, age.minor) <= CellWidth.unicode else {
      return false
    }
    return !properties.isDefaultIgnorableCodePoint
  }
}
