import CPosix
import Glibc

extension FixedWidthInteger {
  /// Its bytes, the most significant first.
  public var bytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}

extension [UInt8] {
  /// The index of the first `byte` at `start` or after it. memchr(3)
  public func firstIndex(of byte: UInt8, from start: Int) -> Int? {
    start < count ? firstIndex(of: byte, in: start..<count) : nil
  }

  /// The index of the first `byte` in a range. memchr(3)
  public func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
    withUnsafeBytes { buffer in
      guard range.upperBound <= buffer.count, let base = buffer.baseAddress else { return nil }
      return memchr(base + range.lowerBound, Int32(byte), range.count)
        .map { UnsafeRawPointer($0) - base }
    }
  }

  /// The index of the first byte, at `start` or after it, that is `byte` or zero. memchr(3)
  public func firstIndex(of byte: UInt8, orZeroFrom start: Int) -> Int? {
    withUnsafeBytes { buffer in
      guard start < buffer.count, let base = buffer.baseAddress else { return nil }
      let count = buffer.count - start
      let found = memchr(base + start, Int32(byte), count).map { UnsafeRawPointer($0) - base }
      let zero = memchr(base + start, 0, (found ?? buffer.count) - start)
      return zero.map { UnsafeRawPointer($0) - base } ?? found
    }
  }

  /// The index of the first byte at `start` or after it that is not zero; `count` if there is none.
  public func firstIndexOfNonZero(from start: Int) -> Int {
    withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return start }
      var place = start
      // Most of the bytes are zeros, so 512 of them are compared at once.
      while buffer.count - place >= Self.zeros.count,
        memcmp(base + place, Self.zeros, Self.zeros.count) == 0
      {
        place += Self.zeros.count
      }
      while place < buffer.count, buffer[place] == 0 { place += 1 }
      return place
    }
  }

  /// Whether these bytes stand at `start`. memcmp(3)
  public func has(_ part: [UInt8], at start: Int) -> Bool {
    guard start >= 0, start <= count, part.count <= count - start else { return false }
    return withUnsafeBytes { whole in
      part.withUnsafeBytes { part in
        guard let base = whole.baseAddress, let other = part.baseAddress else { return true }
        return memcmp(base + start, other, part.count) == 0
      }
    }
  }

  /// Whether these bytes stand anywhere in the array. memmem(3)
  public func contains(part: [UInt8]) -> Bool {
    withUnsafeBytes { whole in
      part.withUnsafeBytes { part in
        guard let base = whole.baseAddress, let other = part.baseAddress else {
          return part.isEmpty
        }
        return cposix_contains(base, whole.count, other, part.count) != 0
      }
    }
  }

  private static let zeros = [UInt8](repeating: 0, count: 512)
}
