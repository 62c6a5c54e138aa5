import HomeLayout
import Posix
import Redaction

/// The mask of all values of a home, kept in a file, so that a process that writes one event need not read every set.
///
/// Each process that finds it missing or out of date makes it anew. Without it everything works, but slower.
struct MaskFile {
  /// What the mark was before the sets were read.
  var state: String
  /// Which sets are in it.
  var sets: Set<SetID>
  var mask: Redactor

  private static let head = Array("format \(HomeFormat.current)\n".utf8)
  private static let greatestSize = 256 << 20

  /// - Returns: nil where there is none, or not one that was written whole by this version.
  static func load(_ home: Home) -> MaskFile? {
    guard let bytes = try? Files.read(home.configMask, limit: greatestSize),
      bytes.starts(with: head), bytes.count >= head.count + 4
    else { return nil }
    let content = bytes[(head.count + 4)...]
    guard CRC32C.bytes(content) == Array(bytes[head.count..<head.count + 4]) else { return nil }
    let parts = content.split(
      separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let count = Int(String(decoding: parts[1], as: UTF8.self)),
      count >= 0, count <= parts[2].count / 8,
      let mask = Redactor(stored: Array(parts[2].dropFirst(8 * count)))
    else { return nil }
    let start = parts[2].startIndex
    let sets = (0..<count).map { index in
      bytes[start + 8 * index..<start + 8 * index + 8].reduce(0) { $0 << 8 | SetID($1) }
    }
    return MaskFile(
      state: String(decoding: parts[0], as: UTF8.self), sets: Set(sets), mask: mask)
  }

  /// Where it cannot be written the next process reads the sets again.
  func store(_ home: Home) {
    var content = Array("\(state)\n\(sets.count)\n".utf8)
    for set in sets {
      content += stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: set >> $0) }
    }
    content += mask.stored
    if content.count > Self.greatestSize { return }
    try? Files.replace(home.configMask, with: Self.head + CRC32C.bytes(content) + content)
  }
}

/// The first 16 digits of a set's digest, which tell it from all others.
typealias SetID = UInt64
