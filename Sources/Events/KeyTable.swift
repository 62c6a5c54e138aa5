import JSONText

/// A hash table of the names of an enum, by their bytes: a lookup allocates no string.
struct KeyTable<Name: RawRepresentable & CaseIterable & Hashable & Sendable>: Sendable
where Name.RawValue == String {
  /// A set of names, by their index in `allCases`.
  struct Names: OptionSet {
    var rawValue: UInt64

    init(rawValue: UInt64 = 0) { self.rawValue = rawValue }
  }

  private struct Slot {
    var fingerprint: Fingerprint
    var place: Int
    var name: Name
  }

  /// The slots by hash; on a collision the next free slot is used.
  private let slots: [Slot?]

  /// For an enum of at most 64 names of at most `Fingerprint.longest` bytes.
  init() {
    var slots = [Slot?](repeating: nil, count: 256)
    for (place, name) in Name.allCases.enumerated() {
      var text = name.rawValue
      guard let fingerprint = text.withUTF8({ Fingerprint($0) }) else { continue }
      var index = fingerprint.hash
      while slots[index] != nil { index = (index + 1) & 255 }
      slots[index] = Slot(fingerprint: fingerprint, place: place, name: name)
    }
    self.slots = slots
  }

  func find(_ text: UnsafeBufferPointer<UInt8>) -> Name? { slot(text)?.name }

  /// The name that equals the key; nil if there is none or if it is in `seen` already.
  @inline(__always)
  func new(_ key: JSONString, _ seen: inout Names) throws(JSONFault) -> Name? {
    guard let slot = key.hasEscapes ? slot(try key.string()) : slot(key.bytes) else { return nil }
    return seen.insert(Names(rawValue: 1 << slot.place)).inserted ? slot.name : nil
  }

  func names(_ some: [Name]) -> Names {
    some.reduce(into: Names()) { set, name in
      if let slot = slot(name.rawValue) { set.insert(Names(rawValue: 1 << slot.place)) }
    }
  }

  private func slot(_ text: String) -> Slot? {
    var text = text
    return text.withUTF8 { slot($0) }
  }

  @inline(__always)
  private func slot(_ text: UnsafeBufferPointer<UInt8>) -> Slot? {
    guard let fingerprint = Fingerprint(text) else { return nil }
    var index = fingerprint.hash
    while let slot = slots[index] {
      if slot.fingerprint == fingerprint { return slot }
      index = (index + 1) & 255
    }
    return nil
  }
}

/// A short text packed into four words, so that two texts are compared at once.
private struct Fingerprint: Equatable, Sendable {
  static let longest = 24

  private var words: SIMD4<UInt64>

  /// - Returns: nil if the text is longer than `longest`.
  @inline(__always)
  init?(_ text: UnsafeBufferPointer<UInt8>) {
    let bytes = UnsafeRawBufferPointer(text)
    func word(at offset: Int) -> UInt64 {
      bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
    words = SIMD4(UInt64(text.count), 0, 0, 0)
    switch text.count {
    case 0..<8: for byte in text { words[1] = words[1] << 8 | UInt64(byte) }
    // The last eight bytes may overlap the first eight; with the length the text is still unique.
    case 8...16: (words[1], words[2]) = (word(at: 0), word(at: text.count - 8))
    case 17...24:
      (words[1], words[2], words[3]) = (word(at: 0), word(at: 8), word(at: text.count - 8))
    default: return nil
    }
  }

  var hash: Int {
    let mixed = (words[0] ^ words[1] ^ words[2] ^ words[3]) &* 0x9E37_79B9_7F4A_7C15
    return Int(mixed >> 56)
  }
}
