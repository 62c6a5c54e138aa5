/// A table of texts to search for and their names, stored and read as one block of bytes.
///
/// The texts are sorted, so that testing a place takes few steps even with many texts.
struct NeedleTable: Sendable {
  struct Needle: Hashable, Sendable {
    /// At least `headLength` bytes.
    var bytes: [UInt8]
    var name: String
  }

  static let headLength = 4

  /// For each needle the lengths of text and name (four bytes each, little-endian), then both.
  let pool: [UInt8]
  private var entries: [Entry] = []
  /// A Bloom filter of the needles' first bytes, so that most places of a text cost one test.
  private var filter: [UInt64] = []
  private var filterShift: UInt32 = 0

  private struct Entry {
    var bytes: Range<Int>
    var name: Range<Int>
    /// The longest other needle that is a prefix of this one.
    var shorter: Int?
  }

  /// If two needles have the same bytes, the name that sorts first is kept.
  init(_ needles: Set<Needle> = []) {
    let sorted = needles.sorted { first, second in
      first.bytes == second.bytes
        ? first.name < second.name : first.bytes.lexicographicallyPrecedes(second.bytes)
    }
    var (pool, last) = ([UInt8](), [UInt8]())
    for needle in sorted where needle.bytes != last {
      last = needle.bytes
      let name = Array(needle.name.utf8)
      for count in [needle.bytes.count, name.count] {
        pool += [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: count >> $0) }
      }
      pool += needle.bytes
      pool += name
    }
    self.pool = pool
    index()
  }

  /// - Returns: nil if the bytes are not the `pool` of a table.
  init?(pool: [UInt8]) {
    self.pool = pool
    if !index() { return nil }
  }

  var isEmpty: Bool { entries.isEmpty }

  var needles: [Needle] {
    entries.map { Needle(bytes: Array(pool[$0.bytes]), name: name(of: $0)) }
  }

  private func name(of entry: Entry) -> String { String(decoding: pool[entry.name], as: UTF8.self) }
}

extension NeedleTable {
  /// - Returns: whether the pool is valid.
  @discardableResult
  private mutating func index() -> Bool {
    var place = 0
    // The prefixes of the last needle, and that needle itself, the shortest first.
    var open: [Int] = []
    while place < pool.count {
      guard let entry = entry(at: place) else { return false }
      place = entry.name.upperBound
      while let last = open.last, !pool[entry.bytes].starts(with: pool[entries[last].bytes]) {
        open.removeLast()
      }
      entries.append(Entry(bytes: entry.bytes, name: entry.name, shorter: open.last))
      open.append(entries.count - 1)
    }
    // Sixteen bits for each needle keep false hits rare.
    let bits = max(12, Int.bitWidth - (entries.count * 16).leadingZeroBitCount)
    filterShift = UInt32(32 - min(bits, 24))
    filter = [UInt64](repeating: 0, count: 1 << (32 - Int(filterShift) - 6))
    for entry in entries {
      let head = pool[entry.bytes].prefix(Self.headLength).reversed().reduce(0 as UInt32) {
        $0 << 8 | UInt32($1)
      }
      let (word, bit) = spot(of: head)
      filter[word] |= bit
    }
    return true
  }

  private func entry(at place: Int) -> (bytes: Range<Int>, name: Range<Int>)? {
    guard pool.count - place >= 8 else { return nil }
    func number(_ place: Int) -> Int {
      (0..<4).reversed().reduce(0) { $0 << 8 | Int(pool[place + $1]) }
    }
    let (start, count, nameCount) = (place + 8, number(place), number(place + 4))
    guard count >= Self.headLength, count + nameCount <= pool.count - start else { return nil }
    return (start..<start + count, start + count..<start + count + nameCount)
  }
}

extension NeedleTable {
  private func spot(of head: UInt32) -> (word: Int, bit: UInt64) {
    let hash = (head &* 0x9E37_79B1) >> filterShift
    return (Int(hash >> 6), 1 << UInt64(hash & 63))
  }

  /// - Parameter head: the first four bytes, little-endian.
  /// - Returns: false if no needle begins with them.
  func mayBegin(with head: UInt32) -> Bool {
    let (word, bit) = spot(of: head)
    return filter[word] & bit != 0
  }

  /// The longest needle that is a prefix of the text.
  func longest(at text: ArraySlice<UInt8>) -> (count: Int, name: String)? {
    // All prefixes of the text sort before it, and the longest of them comes last.
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if text.lexicographicallyPrecedes(pool[entries[middle].bytes]) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    var candidate = low > 0 ? low - 1 : nil
    while let index = candidate {
      let entry = entries[index]
      if text.starts(with: pool[entry.bytes]) { return (entry.bytes.count, name(of: entry)) }
      candidate = entry.shorter
    }
    return nil
  }
}
