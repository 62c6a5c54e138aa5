import CPosix
import Synchronization

/// Random bytes that cannot be guessed. getrandom(2)
public enum Random {
  public static func bytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        // It fails only if a signal arrives before the kernel has collected enough randomness after the boot.
        let wanted = min(count - filled, 256)
        filled += max(0, cposix_random(buffer.baseAddress.map { $0 + filled }, wanted))
      }
    }
  }

  /// 128 random bits as 32 lower-case hexadecimal digits. Every event gets such an id, so this must be fast.
  public static func id() -> String {
    supply.withLock { supply in
      if supply.isEmpty { supply = bytes(1024) }
      let taken = supply.suffix(16)
      supply.removeLast(16)
      return Hex.encode(taken)
    }
  }

  /// Random bytes that are not used yet. A system call for each id would cost more.
  private static let supply = Mutex<[UInt8]>([])

  /// `count` random bytes as lower-case hexadecimal digits.
  public static func hex(_ count: Int) -> String { Hex.encode(bytes(count)) }
}

public enum Hex {
  /// Lower-case hexadecimal digits, two a byte.
  public static func encode(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
      text.append(digit(byte >> 4))
      text.append(digit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  public static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
  }

  /// The bytes that lower-case digits stand for; nil for another text.
  public static func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)[...]) }

  public static func decode(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
      guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 48...57: digit - 48
    case 97...102: digit - 87
    default: nil
    }
  }
}
