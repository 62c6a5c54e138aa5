/// An ELF file as small as one can be, in any class and order of bytes: one loaded segment that is the whole file.
struct ELFImage {
  var machine = 62
  var is64Bit = true
  var isBigEndian = false
  var kind = 3
  var interpreter: String?
  var needed: [String] = []
  var runPath: String?
  /// Versions by library.
  var versions: [(library: String, names: [String])] = []
  /// Versions of its own symbols.
  var defined: [String] = []
  /// Versions that are asked for weakly.
  var weak: Set<String> = []

  private func number(_ value: Int, _ count: Int) -> [UInt8] {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    return isBigEndian ? bytes.reversed() : bytes
  }

  private func word(_ value: Int) -> [UInt8] { number(value, is64Bit ? 8 : 4) }

  /// The addresses of the running program begin here, so that none is an offset by chance.
  private static let base = 0x10000

  var bytes: [UInt8] {
    let (headerSize, entrySize) = is64Bit ? (64, 56) : (52, 32)
    let segmentCount = interpreter == nil ? 2 : 3
    var strings: [UInt8] = [0]
    func place(_ text: String) -> Int {
      defer { strings += Array(text.utf8) + [0] }
      return strings.count
    }
    let interpreterPlace = interpreter.map(place)
    var dynamic = needed.map { (1, place($0)) }
    if let runPath { dynamic.append((29, place(runPath))) }
    var chain: [UInt8] = []
    for (index, library) in versions.enumerated() {
      let isLast = index == versions.count - 1
      chain += number(1, 2) + number(library.names.count, 2) + number(place(library.library), 4)
      chain += number(16, 4) + number(isLast ? 0 : 16 + 16 * library.names.count, 4)
      for (index, name) in library.names.enumerated() {
        let isLast = index == library.names.count - 1
        chain += number(0, 4) + number(weak.contains(name) ? 2 : 0, 2) + number(2, 2)
        chain += number(place(name), 4) + number(isLast ? 0 : 16, 4)
      }
    }
    let definedLength = chain.count
    for (index, name) in defined.enumerated() {
      chain += number(1, 2) + number(0, 2) + number(index, 2) + number(1, 2) + number(0, 4)
      chain += number(20, 4) + number(index == defined.count - 1 ? 0 : 28, 4)
      chain += number(place(name), 4) + number(0, 4)
    }
    let stringsAt = headerSize + segmentCount * entrySize
    let chainAt = stringsAt + strings.count
    let dynamicAt = chainAt + chain.count
    dynamic += [(5, Self.base + stringsAt), (10, strings.count)]
    if !versions.isEmpty {
      dynamic += [(0x6fff_fffe, Self.base + chainAt), (0x6fff_ffff, versions.count)]
    }
    if !defined.isEmpty {
      dynamic += [(0x6fff_fffc, Self.base + chainAt + definedLength), (0x6fff_fffd, defined.count)]
    }
    dynamic.append((0, 0))
    let table = dynamic.flatMap { word($0.0) + word($0.1) }
    let size = dynamicAt + table.count
    var segments = segment(1, 0, size) + segment(2, dynamicAt, table.count)
    if let interpreterPlace, let interpreter {
      segments += segment(3, stringsAt + interpreterPlace, interpreter.utf8.count + 1)
    }
    return header(headerSize, entrySize, segmentCount) + segments + strings + chain + table
  }

  private func header(_ size: Int, _ entrySize: Int, _ count: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, is64Bit ? 2 : 1, isBigEndian ? 2 : 1, 1]
    bytes += [UInt8](repeating: 0, count: 9)
    bytes += number(kind, 2) + number(machine, 2) + number(1, 4)
    bytes += word(0) + word(size) + word(0) + number(0, 4)
    return bytes + [size, entrySize, count, 0, 0, 0].flatMap { number($0, 2) }
  }

  private func segment(_ kind: Int, _ offset: Int, _ size: Int) -> [UInt8] {
    let address = Self.base + offset
    return is64Bit
      ? number(kind, 4) + number(4, 4)
        + [offset, address, address, size, size, 8].flatMap { word($0) }
      : [kind, offset, address, address, size, size, 4, 4].flatMap { number($0, 4) }
  }
}
