/// An integer of any size up to `maximumBytes`, as sign and magnitude like in the external term format. It can be
/// compared, encoded and printed; there is no arithmetic.
public struct BigInteger: Hashable, Sendable {
  /// Larger integers are refused when read: the time to print one grows with the square of its length. 8 KiB are almost
  /// 20,000 decimal digits.
  public static let maximumBytes = 8192

  public let isNegative: Bool
  /// Least significant byte first, without leading zeros; empty for zero.
  public let magnitude: [UInt8]

  public init(isNegative: Bool, magnitude: [UInt8]) {
    let length = (magnitude.lastIndex { $0 != 0 } ?? -1) + 1
    self.magnitude = Array(magnitude.prefix(length))
    self.isNegative = isNegative && length > 0
  }

  /// The number written with digits of `radix` (2…36), most significant first. Each digit must be
  /// less than the radix. `nil` if the number takes more than `maximumBytes`.
  init?(isNegative: Bool, digits: some Sequence<UInt8>, radix: UInt32) {
    var limbs: [UInt32] = []
    var (chunk, scale): (UInt32, UInt32) = (0, 1)
    for digit in digits {
      chunk = chunk * radix + UInt32(digit)
      scale *= radix
      if scale > UInt32.max / (radix * radix) {
        Self.multiply(&limbs, by: scale, adding: chunk)
        (chunk, scale) = (0, 1)
        if limbs.count > Self.maximumBytes / 4 + 1 { return nil }
      }
    }
    if scale > 1 { Self.multiply(&limbs, by: scale, adding: chunk) }
    let bytes = limbs.flatMap { limb in [0, 8, 16, 24].map { limb >> $0 } }
    self.init(
      isNegative: isNegative, magnitude: bytes.map { UInt8(truncatingIfNeeded: $0) })
    if magnitude.count > Self.maximumBytes { return nil }
  }

  /// The value; nil if it does not fit an `Int`.
  var small: Int? {
    guard magnitude.count <= 8 else { return nil }
    let value = magnitude.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    if isNegative {
      return value <= UInt64(Int.max) + 1 ? Int(truncatingIfNeeded: 0 &- value) : nil
    }
    return Int(exactly: value)
  }

  private static func multiply(_ limbs: inout [UInt32], by factor: UInt32, adding carry: UInt32) {
    var carry = UInt64(carry)
    for index in limbs.indices {
      let product = UInt64(limbs[index]) * UInt64(factor) + carry
      limbs[index] = UInt32(truncatingIfNeeded: product)
      carry = product >> 32
    }
    if carry > 0 { limbs.append(UInt32(truncatingIfNeeded: carry)) }
  }
}

extension BigInteger: CustomStringConvertible {
  public var description: String {
    var limbs: [UInt32] = []
    for start in stride(from: 0, to: magnitude.count, by: 4) {
      let group = magnitude[start..<min(start + 4, magnitude.count)]
      limbs.append(group.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
    var groups: [String] = []
    while !limbs.isEmpty {
      var rest: UInt64 = 0
      for index in limbs.indices.reversed() {
        let value = rest << 32 | UInt64(limbs[index])
        limbs[index] = UInt32(value / 1_000_000_000)
        rest = value % 1_000_000_000
      }
      while limbs.last == 0 { limbs.removeLast() }
      let digits = String(rest)
      let padding = limbs.isEmpty ? 0 : 9 - digits.count
      groups.append(String(repeating: "0", count: padding) + digits)
    }
    let digits = groups.reversed().joined()
    return (isNegative ? "-" : "") + (digits.isEmpty ? "0" : digits)
  }
}
