/// A colour as a theme names it.
public enum Color: Equatable, Sendable {
  /// The terminal's own foreground or background.
  case standard
  /// One of the terminal's 16 colours, which its owner may have chosen.
  case named(UInt8)
  case rgb(red: UInt8, green: UInt8, blue: UInt8)

  /// The names of the 16 colours, in order.
  static let names = [
    "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
    "bright-black", "bright-red", "bright-green", "bright-yellow",
    "bright-blue", "bright-magenta", "bright-cyan", "bright-white",
  ]
}

/// How a role looks.
public struct Style: Equatable, Sendable {
  public struct Attributes: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let bold = Attributes(rawValue: 1)
    public static let dim = Attributes(rawValue: 2)
    public static let italic = Attributes(rawValue: 4)
    public static let underline = Attributes(rawValue: 8)
    public static let reverse = Attributes(rawValue: 16)

    static let named: [(name: String, value: Attributes)] = [
      ("bold", .bold), ("dim", .dim), ("italic", .italic), ("underline", .underline),
      ("reverse", .reverse),
    ]
  }

  public var foreground = Color.standard
  public var background = Color.standard
  public var attributes: Attributes = []
}
