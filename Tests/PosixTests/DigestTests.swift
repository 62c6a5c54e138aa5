import TestSupport
import Testing

@testable import Posix

@Suite struct DigestTests {
  static func repeated(_ byte: UInt8, _ count: Int) -> [UInt8] {
    Array(repeating: byte, count: count)
  }

  /// FIPS 180-4's examples, as NIST publishes them.
  @Test func sha256Vectors() {
    let cases: [([UInt8], String)] = [
      ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        Array(
          ("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
            + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu").utf8),
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
      ),
      (
        Self.repeated(UInt8(ascii: "a"), 1_000_000),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
      ),
    ]
    for (bytes, digest) in cases {
      #expect(Hex.encode(SHA256.digest(bytes)) == digest)
      var portable = SHA256(isPortable: true)
      portable.update(bytes)
      #expect(Hex.encode(portable.finish()) == digest)
    }
  }

  @Test func partsGiveTheDigestOfTheWhole() {
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    var wrong: [String] = []
    for length in 0...300 {
      let whole = SHA256.digest(bytes[..<length])
      for step in [1, 55, 63, 64, 65, 200] {
        var hash = SHA256()
        for start in stride(from: 0, to: length, by: step) {
          hash.update(bytes[start..<min(length, start + step)])
          _ = hash.finish()
        }
        if hash.finish() != whole { wrong.append("\(length) by \(step)") }
      }
    }
    #expect(wrong == [])
  }

  /// The processor's instructions against the code that stands in for them.
  @Test func bothWaysAgree() {
    var bytes: [UInt8] = []
    var wrong: [Int] = []
    for length in 0...2000 {
      var (native, portable) = (SHA256(), SHA256(isPortable: true))
      native.update(bytes)
      portable.update(bytes)
      if native.finish() != portable.finish() { wrong.append(length) }
      bytes.append(UInt8(truncatingIfNeeded: length &* length &* 31 &+ length >> 3))
    }
    #expect(wrong == [])
  }

  @Test func digestOfAFile() throws {
    let folder = try TemporaryFolder("digest")
    let bytes = (0..<(2 << 20) + 77).map { UInt8(truncatingIfNeeded: $0 / 3) }
    try folder.write("big", bytes)
    let tool = try Invocation(
      ["sha256sum", folder.path + "/big"], environment: Environment.current
    )
    .run()
    #expect(Hex.encode(try SHA256.digest(ofFile: folder.path + "/big")) == tool.text.prefix(64))
    #expect(throws: PosixError("read", folder.path + "/none", .noSuchFile)) {
      try SHA256.digest(ofFile: folder.path + "/none")
    }
  }

  /// RFC 4231, cases 1, 2, 3, 6 and 7.
  @Test func hmacVectors() {
    let cases: [(key: [UInt8], data: [UInt8], code: String)] = [
      (
        Self.repeated(0x0b, 20), Array("Hi There".utf8),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        Self.repeated(0xaa, 20), Self.repeated(0xdd, 50),
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
      ),
      (
        Self.repeated(0xaa, 131),
        Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
      (
        Self.repeated(0xaa, 131),
        Array(
          ("This is a test using a larger than block-size key and a larger than block-size data. "
            + "The key needs to be hashed before being used by the HMAC algorithm.").utf8),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
      ),
    ]
    for (key, data, code) in cases {
      #expect(Hex.encode(SHA256.authenticate(data, key: key)) == code)
    }
  }

  /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  @Test func crc32cVectors() {
    let cases: [([UInt8], UInt32)] = [
      (Self.repeated(0, 32), 0x8a91_36aa),
      (Self.repeated(0xff, 32), 0x62a8_ab43),
      (Array(0..<32), 0x46dd_794e),
      ((0..<32).reversed(), 0x113f_db5c),
      (
        [0x01, 0xc0] + Self.repeated(0, 14) + [0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14]
          + [0, 0, 0, 0x18, 0x28] + Self.repeated(0, 7) + [0x02] + Self.repeated(0, 7), 0xd996_3a56
      ),
      (Array("123456789".utf8), 0xe306_9283),
      ([], 0),
    ]
    for (bytes, checksum) in cases { #expect(CRC32C.checksum(bytes) == checksum) }
  }

  /// The bytes of any length, wherever they start and however they are stored, against the definition bit by bit.
  @Test func crc32cIsTheRemainderOfADivision() {
    var scramble = Scramble(32)
    var wrong: [Int] = []
    for length in 0...300 {
      let bytes = (0..<length + 7).map { _ in UInt8.random(in: 0...255, using: &scramble) }
      let part = bytes[Int.random(in: 0...7, using: &scramble)...].prefix(length)
      var crc: UInt32 = ~0
      for byte in part {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0x82f6_3b78 : 0) }
      }
      let scattered = sequence(state: part) { $0.popFirst() }
      if CRC32C.checksum(part) != ~crc || CRC32C.checksum(scattered) != ~crc {
        wrong.append(length)
      }
    }
    #expect(wrong == [])
  }

  @Test func randomBytesDiffer() {
    let texts = (0..<100).map { _ in Random.hex(16) }
    #expect(Set(texts).count == 100)
    #expect(texts.allSatisfy { $0.utf8.count == 32 && $0.allSatisfy(\.isHexDigit) })
    #expect(Hex.encode([0, 0x0f, 0xa0, 0xff]) == "000fa0ff")
  }
}
