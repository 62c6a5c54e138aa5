import CPosix

/// SHA-256 as FIPS 180-4 defines it, fed in parts. It uses the processor's SHA instructions if there are any.
public struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// Bytes that do not fill a block yet.
  private var pending: [UInt8] = []
  private var length: UInt64 = 0
  private let isPortable: Bool

  public init() { self.init(isPortable: false) }

  /// - Parameter isPortable: whether to compute without the processor's SHA instructions.
  init(isPortable: Bool) { self.isPortable = isPortable }

  public mutating func update(_ bytes: some Collection<UInt8>) {
    let isDone: Void? = bytes.withContiguousStorageIfAvailable { feed(UnsafeRawBufferPointer($0)) }
    if isDone == nil { Array(bytes).withUnsafeBytes { feed($0) } }
  }

  private mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    length += UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let missing = rest.prefix(64 - pending.count)
      pending += missing
      rest = rest.dropFirst(missing.count)
      if pending.count < 64 { return }
      let block = pending
      block.withUnsafeBytes { mix($0) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.prefix(rest.count / 64 * 64)
    mix(UnsafeRawBufferPointer(rebasing: whole))
    pending += rest.dropFirst(whole.count)
  }

  /// The digest of all bytes so far, 32 bytes.
  public func finish() -> [UInt8] {
    var last = self
    let zeros = (119 - pending.count) % 64
    last.update([0x80] + [UInt8](repeating: 0, count: zeros))
    last.update((length &* 8).bytes)
    return last.state.flatMap(\.bytes)
  }

  public static func digest(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  /// HMAC-SHA-256, RFC 2104.
  public static func authenticate(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
    var key = key.count > 64 ? digest(key) : key
    key += [UInt8](repeating: 0, count: 64 - key.count)
    let inner = digest(key.map { $0 ^ 0x36 } + bytes)
    return digest(key.map { $0 ^ 0x5c } + inner)
  }

  public static func digest(ofFile path: String) throws(PosixError) -> [UInt8] {
    let file = try File.open(path, .read)
    var hash = SHA256()
    while true {
      let part = try file.read(upTo: 1 << 20)
      if part.isEmpty { return hash.finish() }
      hash.update(part)
    }
  }

  private mutating func mix(_ blocks: UnsafeRawBufferPointer) {
    let bytes = blocks.bindMemory(to: UInt8.self)
    guard let first = bytes.baseAddress else { return }
    if !isPortable, cposix_sha256(&state, first, bytes.count / 64, Self.constants) != 0 { return }
    for start in stride(from: 0, to: bytes.count, by: 64) { Self.mix(bytes, start, &state) }
  }

  private static func mix(
    _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ state: inout [UInt32]
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
      for i in 0..<16 {
        let at = start + i * 4
        w[i] =
          UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16
          | UInt32(bytes[at + 2]) << 8 | UInt32(bytes[at + 3])
      }
      for i in 16..<64 {
        let s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3)
        let s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10)
        w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      constants.withUnsafeBufferPointer { k in
        for i in 0..<64 {
          let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
          let t1 = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ k[i] &+ w[i]
          let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
          let t2 = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
          (h, g, f, e) = (g, f, e, d &+ t1)
          (d, c, b, a) = (c, b, a, t1 &+ t2)
        }
      }
      for (i, word) in [a, b, c, d, e, f, g, h].enumerated() { state[i] &+= word }
    }
  }

  private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word >> count | word << (32 - count)
  }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = {
    var primes: [UInt64] = []
    var candidate: UInt64 = 2
    while primes.count < 64 {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes.map(fractionOfCubeRoot)
  }()

  /// floor(2³² · ∛prime) mod 2³², by bisection in whole numbers: x³ ≤ prime · 2⁹⁶.
  private static func fractionOfCubeRoot(_ prime: UInt64) -> UInt32 {
    let bound = UInt128(prime) << 96
    var (low, high): (UInt128, UInt128) = (0, 1 << 35)
    while high - low > 1 {
      let middle = (low + high) / 2
      if middle * middle * middle <= bound { low = middle } else { high = middle }
    }
    return UInt32(truncatingIfNeeded: low)
  }
}
