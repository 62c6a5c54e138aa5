import Glibc

/// Bytes that nobody can guess. getrandom(2)
public enum Random {
  public static func bytes(_ count: Int) -> [UInt8] {
    // SystemRandomNumberGenerator reads getrandom(2) on Linux and never fails.
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  /// `count` random bytes as lower-case hexadecimal digits.
  public static func hex(_ count: Int) -> String { Hex.encode(bytes(count)) }
}

public enum Hex {
  /// Lower-case hexadecimal digits, two a byte.
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
