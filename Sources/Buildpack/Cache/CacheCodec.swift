/// Writes numbers and texts as bytes, each text after its length.
struct CacheWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ number: Int) {
    withUnsafeBytes(of: UInt64(number).littleEndian) { bytes += $0 }
  }

  mutating func put(_ part: [UInt8]) {
    put(part.count)
    bytes += part
  }

  mutating func put(_ text: String) { put(Array(text.utf8)) }

  mutating func put<Item>(_ items: [Item], _ each: (inout CacheWriter, Item) -> Void) {
    put(items.count)
    for item in items { each(&self, item) }
  }

  mutating func put(_ values: [String: [UInt8]]) {
    put(values.keys.sorted()) {
      $0.put($1)
      $0.put(values[$1] ?? [])
    }
  }

  mutating func put(_ entry: CacheIndex.Entry) {
    put(entry.path)
    put(Int(entry.kind.rawValue))
    put(Int(entry.mode))
    put(entry.size)
    put(entry.digest)
    put(entry.target)
  }
}

/// Reads the bytes of a `CacheWriter`, and throws on other bytes.
struct CacheReader {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func number() throws(CacheFault) -> Int {
    guard bytes.count - at >= 8 else { throw .damaged("its index") }
    let number = bytes.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }
    at += 8
    // Sums of all numbers in an index must not overflow.
    guard number < 1 << 40 else { throw .damaged("its index") }
    return Int(number)
  }

  mutating func part() throws(CacheFault) -> [UInt8] {
    let count = try number()
    guard count <= bytes.count - at else { throw .damaged("its index") }
    defer { at += count }
    return Array(bytes[at..<at + count])
  }

  mutating func text() throws(CacheFault) -> String {
    let part = try part()
    guard let text = String(validating: part, as: UTF8.self) else { throw .damaged("its index") }
    return text
  }

  mutating func list<Item>(_ each: (inout CacheReader) throws(CacheFault) -> Item)
    throws(CacheFault) -> [Item]
  {
    let count = try number()
    var items: [Item] = []
    for _ in 0..<count { items.append(try each(&self)) }
    return items
  }

  mutating func values() throws(CacheFault) -> [String: [UInt8]] {
    let pairs = try list { reader throws(CacheFault) in (try reader.text(), try reader.part()) }
    return Dictionary(pairs) { first, _ in first }
  }

  mutating func entry() throws(CacheFault) -> CacheIndex.Entry {
    let path = try text()
    guard let kind = CacheIndex.Entry.Kind(rawValue: UInt8(truncatingIfNeeded: try number()))
    else { throw .damaged("its index") }
    return CacheIndex.Entry(
      path: path, kind: kind, mode: UInt32(truncatingIfNeeded: try number()), size: try number(),
      digest: try part(), target: try text())
  }

  func end() throws(CacheFault) {
    guard at == bytes.count else { throw .damaged("its index") }
  }
}
