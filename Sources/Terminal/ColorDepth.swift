/// How many colours a terminal shows.
public enum ColorDepth: Equatable, Sendable {
  case mono, eight, sixteen, many

  /// The depth for a number of colours as terminfo reports it; `many` is 256.
  public init(colors: Int) {
    switch colors {
    case ..<8: self = .mono
    case 8..<16: self = .eight
    case 16..<256: self = .sixteen
    default: self = .many
    }
  }

  /// The number of the nearest colour that this depth has; nil for the terminal's own.
  public func index(of color: Color) -> UInt8? {
    switch (self, color) {
    case (.mono, _), (_, .standard): nil
    case (.eight, .named(let index)): index % 8
    case (_, .named(let index)): index % 16
    case (.many, .rgb(let red, let green, let blue)):
      Self.nearest256(Self.RGB(Int(red), Int(green), Int(blue)))
    case (_, .rgb(let red, let green, let blue)):
      Self.nearest16(Self.RGB(Int(red), Int(green), Int(blue)), of: self == .eight ? 8 : 16)
    }
  }

  /// Red, green and blue.
  private typealias RGB = SIMD3<Int>

  private static func distance(_ one: RGB, _ other: RGB) -> Int {
    ((one &- other) &* (one &- other)).wrappedSum()
  }

  /// xterm's defaults. Terminals differ in them, so a theme should name one of these colours instead.
  private static let sixteenColors = [
    RGB(0, 0, 0), RGB(205, 0, 0), RGB(0, 205, 0), RGB(205, 205, 0),
    RGB(0, 0, 238), RGB(205, 0, 205), RGB(0, 205, 205), RGB(229, 229, 229),
    RGB(127, 127, 127), RGB(255, 0, 0), RGB(0, 255, 0), RGB(255, 255, 0),
    RGB(92, 92, 255), RGB(255, 0, 255), RGB(0, 255, 255), RGB(255, 255, 255),
  ]

  private static func nearest16(_ color: RGB, of count: Int) -> UInt8 {
    var best: (index: UInt8, distance: Int) = (0, .max)
    for (index, candidate) in sixteenColors.prefix(count).enumerated() {
      let distance = distance(color, candidate)
      if distance < best.distance { best = (UInt8(truncatingIfNeeded: index), distance) }
    }
    return best.index
  }

  /// Numbers 16 … 231 are a cube of six levels, 232 … 255 a ramp of greys. The first sixteen are
  /// never used here, because the terminal's user may have changed them.
  private static func nearest256(_ color: RGB) -> UInt8 {
    let levels = [0, 95, 135, 175, 215, 255]
    func level(_ value: Int) -> Int { value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40 }
    let (red, green, blue) = (level(color.x), level(color.y), level(color.z))
    let cube = RGB(levels[red], levels[green], levels[blue])
    let average = color.wrappedSum() / 3
    let step = min(23, max(0, (average - 3) / 10))
    let grey = RGB(repeating: 8 + 10 * step)
    let isGrey = distance(color, grey) < distance(color, cube)
    let index = isGrey ? 232 + step : 16 + 36 * red + 6 * green + blue
    return UInt8(truncatingIfNeeded: index)
  }
}
