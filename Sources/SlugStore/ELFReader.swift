/// A reader of an ELF file, which checks every offset against the file's size before it is used.
struct ELFReader {
  private let size: Int
  private let read: (Int, Int) -> [UInt8]
  private let is64Bit: Bool
  private let isBigEndian: Bool
  private let header: [UInt8]

  /// More than any linker writes. A file that claims more is refused, since reading it would take too long.
  private static let mostSegments = 1024
  private static let longestTable = 1 << 16
  private static let longestText = 1 << 16
  private static let mostVersions = 1 << 14

  init?(size: Int, read: @escaping (Int, Int) -> [UInt8]) {
    let header = read(0, 64)
    // Format 1; then the class (1: 32 bits, 2: 64) and the order of bytes (1: little, 2: big).
    guard header.count >= 52, header.starts(with: ELF.magic), header[6] == 1,
      1...2 ~= header[4], 1...2 ~= header[5], header[4] == 1 || header.count == 64
    else { return nil }
    (self.size, self.read, self.header) = (size, read, header)
    is64Bit = header[4] == 2
    isBigEndian = header[5] == 2
  }

  func elf() -> ELF? {
    guard let kind = number(header, 16, 2), let machine = number(header, 18, 2),
      let segments = segments()
    else { return nil }
    var elf = ELF(
      machine: UInt16(truncatingIfNeeded: machine), is64Bit: is64Bit, isBigEndian: isBigEndian,
      isLoadable: 2...3 ~= kind)
    if let segment = segments.first(where: { $0.kind == Segment.interpreter }) {
      guard let text = text(at: segment.offset) else { return nil }
      elf.interpreter = text
    }
    guard let dynamic = segments.first(where: { $0.kind == Segment.dynamic }) else { return elf }
    return readDynamic(dynamic, segments.filter { $0.kind == Segment.load }, &elf) ? elf : nil
  }

  // MARK: - Bytes

  /// Nil if the bytes are too few, or the number is greater than an `Int`.
  private func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
    guard start >= 0, start <= bytes.count - count else { return nil }
    let part = bytes[start..<(start + count)]
    let value = (isBigEndian ? Array(part) : part.reversed()).reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    return Int(exactly: value)
  }

  /// An address or a size.
  private func word(_ bytes: [UInt8], _ start: Int) -> Int? {
    number(bytes, start, is64Bit ? 8 : 4)
  }

  private func bytes(at offset: Int, _ count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0, offset <= size, count <= size - offset else { return nil }
    let bytes = read(offset, count)
    return bytes.count == count ? bytes : nil
  }

  private func text(at offset: Int) -> String? {
    guard (0..<size).contains(offset) else { return nil }
    for length in [256, Self.longestText] {
      let bytes = read(offset, length)
      guard let end = bytes.firstIndex(of: 0) else { continue }
      return String(validating: bytes[..<end], as: UTF8.self)
    }
    return nil
  }

  // MARK: - Segments

  private struct Segment {
    static let load = 1
    static let dynamic = 2
    static let interpreter = 3

    var kind: Int
    var offset: Int
    var address: Int
    var size: Int
  }

  private func segments() -> [Segment]? {
    let (place, counts) = is64Bit ? (32, 54) : (28, 42)
    guard let start = word(header, place), let length = number(header, counts, 2),
      let count = number(header, counts + 2, 2), count <= Self.mostSegments
    else { return nil }
    if count == 0 { return [] }
    guard length >= (is64Bit ? 56 : 32), let table = bytes(at: start, count * length) else {
      return nil
    }
    var segments: [Segment] = []
    for index in 0..<count {
      guard let segment = segment(table, at: index * length) else { return nil }
      segments.append(segment)
    }
    return segments
  }

  private func segment(_ table: [UInt8], at start: Int) -> Segment? {
    let places = is64Bit ? (8, 16, 32) : (4, 8, 16)
    guard let kind = number(table, start, 4) else { return nil }
    // The linker reads no other segments, so they may hold anything.
    guard Segment.load...Segment.interpreter ~= kind else {
      return Segment(kind: kind, offset: 0, address: 0, size: 0)
    }
    guard let offset = word(table, start + places.0), let address = word(table, start + places.1),
      let length = word(table, start + places.2), offset <= size, length <= size - offset
    else { return nil }
    return Segment(kind: kind, offset: offset, address: address, size: length)
  }

  /// The offset in the file of an address of the running program.
  private func offset(of address: Int, _ loaded: [Segment]) -> Int? {
    for segment in loaded where address >= segment.address {
      let distance = address - segment.address
      if distance < segment.size { return segment.offset + distance }
    }
    return nil
  }

  // MARK: - Dynamic section

  private enum Tag {
    static let needed = 1
    static let strings = 5
    static let name = 14
    static let oldFolders = 15
    static let folders = 29
    static let defined = 0x6fff_fffc
    static let definedCount = 0x6fff_fffd
    static let versions = 0x6fff_fffe
    static let versionCount = 0x6fff_ffff
  }

  private func readDynamic(_ segment: Segment, _ loaded: [Segment], _ elf: inout ELF) -> Bool {
    guard segment.size <= Self.longestTable, let table = bytes(at: segment.offset, segment.size)
    else { return false }
    let entries = entries(table)
    func first(_ tag: Int) -> Int? { entries.first { $0.tag == tag }?.value }
    let texts = entries.filter {
      [Tag.needed, Tag.name, Tag.oldFolders, Tag.folders].contains($0.tag)
    }
    if texts.isEmpty && first(Tag.versions) == nil && first(Tag.defined) == nil { return true }
    guard let address = first(Tag.strings), let strings = offset(of: address, loaded) else {
      return false
    }
    for entry in texts {
      guard let text = string(strings, entry.value) else { return false }
      switch entry.tag {
      case Tag.needed: elf.needed.append(text)
      case Tag.name: elf.name = text
      default: elf.folders += text.split(separator: ":").map(String.init)
      }
    }
    if let defined = first(Tag.defined).flatMap({ offset(of: $0, loaded) }),
      let count = first(Tag.definedCount)
    {
      elf.defined = definedVersions(at: defined, count, strings: strings)
    }
    guard let versions = first(Tag.versions) else { return true }
    guard let start = offset(of: versions, loaded), let count = first(Tag.versionCount) else {
      return false
    }
    return readVersions(at: start, count, strings: strings, &elf)
  }

  /// The entries up to the one that ends them. A value that is too great for an `Int` is not an offset.
  private func entries(_ table: [UInt8]) -> [(tag: Int, value: Int)] {
    let width = is64Bit ? 8 : 4
    var entries: [(tag: Int, value: Int)] = []
    for start in stride(from: 0, to: table.count, by: width * 2) {
      guard let tag = word(table, start) else { continue }
      if tag == 0 { break }
      if let value = word(table, start + width) { entries.append((tag, value)) }
    }
    return entries
  }

  private func string(_ table: Int, _ offset: Int) -> String? {
    let (place, isTooFar) = table.addingReportingOverflow(offset)
    return isTooFar ? nil : text(at: place)
  }

  /// A chain of libraries, each with a chain of versions. Each link leads forward, so both end.
  private func readVersions(at start: Int, _ count: Int, strings: Int, _ elf: inout ELF) -> Bool {
    var (place, read) = (start, 0)
    for _ in 0..<min(count, Self.mostVersions) {
      guard let library = bytes(at: place, 16), let versions = number(library, 2, 2),
        let first = number(library, 8, 4), let next = number(library, 12, 4)
      else { return false }
      var version = place + first
      for _ in 0..<versions {
        read += 1
        guard read <= Self.mostVersions, let entry = bytes(at: version, 16),
          let flags = number(entry, 4, 2), let name = number(entry, 8, 4),
          let step = number(entry, 12, 4), let text = string(strings, name)
        else { return false }
        // Weak: if it is missing, the linker warns and goes on.
        if flags & 2 == 0 { elf.versions.append(text) }
        if step == 0 { break }
        version += step
      }
      if next == 0 { return true }
      place += next
    }
    return true
  }

  /// A chain of versions, as far as it can be read; each link leads forward.
  private func definedVersions(at start: Int, _ count: Int, strings: Int) -> [String] {
    var (place, names) = (start, [String]())
    for _ in 0..<min(max(0, count), Self.mostVersions) {
      // The first of its names is its own; the others are those of its parents.
      guard let entry = bytes(at: place, 20), let first = number(entry, 12, 4),
        let next = number(entry, 16, 4), let name = bytes(at: place + first, 8),
        let text = number(name, 0, 4).flatMap({ string(strings, $0) })
      else { return names }
      names.append(text)
      if next == 0 { return names }
      place += next
    }
    return names
  }
}
