import Events

/// The entries of an archive, checked against what a slug may hold. Each line is one entry, as tar lists it with
/// `--verbose`, `--numeric-owner`, `--full-time` and `--quoting-style=escape`:
/// ```
/// -rw-r--r-- 0/0               3 2026-11-21 12:32:35 ./a/b/f
/// ```
/// The setuid, setgid and sticky bits are not checked, since modes come from the manifest.
struct ArchiveListing {
  private(set) var refusal: Cause?
  /// The first line that is not an entry: a message of tar.
  private(set) var complaint = ""
  private var entries = 0
  private var size = 0

  mutating func take(_ line: String) {
    guard refusal == nil else { return }
    guard Self.beginsWithMode(line) else {
      if complaint.isEmpty { complaint = line }
      return
    }
    entries += 1
    refusal = Self.fault(of: line) ?? excess(line)
  }

  private static func words(_ line: String) -> [Substring] {
    line.split(separator: " ", maxSplits: 5)
  }

  /// A type, then nine permission bits.
  private static func beginsWithMode(_ line: String) -> Bool {
    let mode = line.utf8.prefix(11)
    return mode.count == 11 && mode.last == UInt8(ascii: " ")
      && mode.dropFirst().dropLast().allSatisfy { "rwxsStT-".utf8.contains($0) }
  }

  private static func fault(of line: String) -> Cause? {
    var name = words(line).dropFirst(5).first ?? ""
    let arrow: String? =
      switch line.utf8.first {
      case UInt8(ascii: "-"), UInt8(ascii: "d"): nil
      case UInt8(ascii: "l"): " -> "
      case UInt8(ascii: "h"): " link to "
      default: ""
      }
    if arrow == "" {
      return Cause(
        .slugContent, "the archive's '\(name.prefix(256))' is neither file, folder nor link")
    }
    if let end = arrow.flatMap({ name.firstRange(of: $0) }) { name = name[..<end.lowerBound] }
    if name.hasPrefix("/") || name.split(separator: "/").contains("..") {
      return Cause(
        .slugContent, "the archive's '\(name.prefix(256))' is outside the slug",
        remedy: "Pack the tree with: tar -C TREE -czf FILE .")
    }
    return nil
  }

  private mutating func excess(_ line: String) -> Cause? {
    if entries > SlugArchive.mostEntries {
      return Cause(.slugArchive, "the archive has more than \(SlugArchive.mostEntries) entries")
    }
    // An entry that cannot be parsed counts as the largest.
    let more = Self.words(line).dropFirst(2).first.flatMap { Int($0) } ?? .max
    if more < 0 || more > SlugArchive.greatestSize - size {
      return Cause(
        .slugArchive,
        "the archive has more than \(SlugArchive.greatestSize >> 30) GiB of files, unpacked")
    }
    size += more
    return nil
  }
}
