import HomeLayout
import Posix
import Redaction

/// A file with the mask of all values of a home, so that a process that writes one event need not read every set. A
/// process that finds it missing or out of date makes a new one.
struct MaskFile {
  /// The mark before the sets were read.
  var state: String
  var sets: Set<SetID>
  var mask: Redactor

  private static let head = Array("format \(HomeFormat.current)\n".utf8)
  private static let greatestSize = 256 << 20

  /// - Returns: nil if there is none, or if it is damaged or of another version.
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

  /// If it cannot be written, the next process reads the sets again.
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

/// The first 16 digits of a set's digest, which no other set has.
typealias SetID = UInt64
