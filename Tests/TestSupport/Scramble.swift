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

  /// The bytes with one to three changes: one replaced, taken out, put in, or a piece repeated or cut off.
  public mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &self) where !bytes.isEmpty {
      let place = Int.random(in: bytes.indices, using: &self)
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes[place] = .random(in: 0...255, using: &self)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(.random(in: 0...255, using: &self), at: place)
      case 3: bytes[place] = [0, 1, 127, 128, 255][Int.random(in: 0..<5, using: &self)]
      case 4: bytes.removeLast(min(bytes.count, Int.random(in: 1...8, using: &self)))
      default: bytes.insert(contentsOf: bytes[place...].prefix(8), at: place)
      }
    }
    return bytes
  }
}
