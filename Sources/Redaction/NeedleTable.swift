/// Texts to look for and their names, as one piece of bytes that is stored and read as it is.
///
/// They are sorted by their bytes, so that a look at a place of a text costs a few steps however many there are.
struct NeedleTable: Sendable {
  struct Needle: Hashable, Sendable {
    /// As many as `headLength` at least.
    var bytes: [UInt8]
    var name: String
  }

  static let headLength = 4

  /// One behind the other: the number of its bytes and of its name's, four bytes each, the lowest first; then both.
  let pool: [UInt8]
  private var entries: [Entry] = []
  /// A bit for each hash of a needle's first bytes, so that most places of a text cost one look.
  private var filter: [UInt64] = []
  private var filterShift: UInt32 = 0

  private struct Entry {
    var bytes: Range<Int>
    var name: Range<Int>
    /// The longest other needle that this one begins with.
    var shorter: Int?
  }

  /// Of two with the same bytes the name that sorts first stays.
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

  /// - Returns: nil if that is no `pool` of a table.
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

// MARK: - Reading

extension NeedleTable {
  /// - Returns: whether the pool could be read.
  @discardableResult
  private mutating func index() -> Bool {
    var place = 0
    // Those that the last one begins with, and itself: the shortest first.
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
    // Sixteen bits for each, so that few places look like one.
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

// MARK: - Finding

extension NeedleTable {
  private func spot(of head: UInt32) -> (word: Int, bit: UInt64) {
    let hash = (head &* 0x9E37_79B1) >> filterShift
    return (Int(hash >> 6), 1 << UInt64(hash & 63))
  }

  /// - Parameter head: the first four bytes, the first one lowest.
  /// - Returns: false if no needle begins with them.
  func mayBegin(with head: UInt32) -> Bool {
    let (word, bit) = spot(of: head)
    return filter[word] & bit != 0
  }

  /// The longest needle that a text begins with.
  func longest(at text: ArraySlice<UInt8>) -> (count: Int, name: String)? {
    // What a text begins with sorts before it, and so do all that lie between: the last of them begins with it too.
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
