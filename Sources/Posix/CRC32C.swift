/// CRC-32C (Castagnoli), as RFC 3720 appendix B.4 defines it.
public enum CRC32C {
  /// The checksum, most significant byte first.
  public static func bytes(_ bytes: some Sequence<UInt8>) -> [UInt8] { checksum(bytes).bytes }

  @inlinable
  public static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    bytes.withContiguousStorageIfAvailable(checksum(of:))
      ?? Array(bytes).withUnsafeBufferPointer(checksum(of:))
  }

  /// Takes sixteen bytes in each step ("slicing", Kounavis and Berry 2005). A table gives each byte's share of the
  /// remainder by the byte's distance from the end of the step, so that the look-ups do not wait for one another.
  @usableFromInline
  static func checksum(of bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      let raw = UnsafeRawBufferPointer(bytes)
      var crc: UInt32 = ~0
      var position = 0
      while bytes.count - position >= 16 {
        let low = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        let high = UInt64(
          littleEndian: raw.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self))
        crc = share(of: low ^ UInt64(crc), 8, tables) ^ share(of: high, 0, tables)
        position += 16
      }
      while position < bytes.count {
        crc = crc >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[position])]
        position += 1
      }
      return ~crc
    }
  }

  /// The share of eight bytes in the remainder, with `behind` bytes after them in the step.
  @inline(__always)
  private static func share(
    of word: UInt64, _ behind: Int, _ tables: UnsafeBufferPointer<UInt32>
  ) -> UInt32 {
    @inline(__always) func look(_ byte: Int) -> UInt32 {
      tables[(behind + 7 - byte) << 8 | Int(UInt8(truncatingIfNeeded: word >> (8 * byte)))]
    }
    return look(0) ^ look(1) ^ look(2) ^ look(3) ^ look(4) ^ look(5) ^ look(6) ^ look(7)
  }

  /// Sixteen tables of 256, one after the other. Table n has the remainder of each byte with n zero bytes after it.
  private static let tables: [UInt32] = {
    var tables = (0..<256).map { index in
      (0..<8).reduce(UInt32(index)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
    }
    for index in 256..<(16 * 256) {
      let before = tables[index - 256]
      tables.append(before >> 8 ^ tables[Int(before & 0xff)])
    }
    return tables
  }()
}
