/// Numbers that look random and are the same in every run.
public struct Scramble: RandomNumberGenerator {
  private var state: UInt64

  public init(_ seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }

  /// A text with something of everything that is hard to draw.
  public mutating func text(_ length: Int) -> String {
    let hard: [ClosedRange<UInt32>] = [
      0...0x9F, 0x20...0x7E, 0x300...0x310, 0x600...0x620, 0x1100...0x11FF, 0x2000...0x2070,
      0x3040...0x3060, 0xFE00...0xFE0F, 0x1F1E6...0x1F1FF, 0x1F3F0...0x1F470, 0xE0000...0xE01F0,
      0...0x10FFFF,
    ]
    var text = ""
    for _ in 0..<length {
      let range = hard[Int.random(in: 0..<hard.count, using: &self)]
      let value = UInt32.random(in: range, using: &self)
      if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
    }
    return text
  }
}
