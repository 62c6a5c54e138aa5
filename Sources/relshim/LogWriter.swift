import HomeLayout
import Posix

/// The log of a run's output: each line with the time at which it was read, in `log/current`. A full file is renamed to
/// the next number.
struct LogWriter {
  private static let fileLimit = 8 << 20
  /// Full files beside the current one.
  private static let filesKept = 5
  /// A longer line is cut into several.
  private static let longestLine = LogLine.longest
  /// Bytes that are left to other programs when the disk gets full. An app's output must not fill the space that the
  /// agent has released from its reserve.
  private static let spaceLeft = 2 * Home.ballastSize
  /// Bytes that are written even then, since the first lines of a new run may say why it fails.
  private static let firstWords = 64 << 10

  private let folder: RunFolder
  private var file: File
  private var size: Int
  private var partial: [UInt8] = []
  private var lost = 0

  init(_ folder: RunFolder) throws(PosixError) {
    self.folder = folder
    try Files.makeFolder(folder.log)
    file = try File.open(folder.currentLog, .append)
    size = try file.size()
  }

  mutating func append(_ bytes: [UInt8]) {
    partial += bytes
    var start = 0
    var lines: [UInt8] = []
    let stamp = Array("\(Timestamp(milliseconds: Clock.now())) ".utf8)
    while start < partial.count {
      let newline = partial[start...].prefix(Self.longestLine).firstIndex(of: UInt8(ascii: "\n"))
      guard let newline else {
        if partial.count - start < Self.longestLine { break }
        lines += stamp + partial[start..<(start + Self.longestLine)] + [UInt8(ascii: "\n")]
        start += Self.longestLine
        continue
      }
      lines += stamp + partial[start...newline]
      start = newline + 1
    }
    partial.removeFirst(start)
    write(lines)
  }

  /// Writes the last line, if it has no newline.
  mutating func finish() {
    if !partial.isEmpty { append([UInt8(ascii: "\n")]) }
    if lost > 0 { write([]) }
  }

  /// On a full disk lines are lost, but the run continues. Their number is written when there is space again.
  private mutating func write(_ lines: [UInt8]) {
    let kept = lines[..<fitting(lines)]
    let left = Self.count(lines[kept.endIndex...])
    if kept.isEmpty && left > 0 || kept.isEmpty && lost == 0 {
      lost += left
      return
    }
    if size + kept.count > Self.fileLimit { rotate() }
    var bytes = Array(kept)
    if lost > 0 {
      let note = "\(Timestamp(milliseconds: Clock.now())) [relshim: \(lost) lines lost, no space]\n"
      bytes = Array(note.utf8) + kept
    }
    do throws(PosixError) {
      try file.write(bytes)
      size += bytes.count
      lost = left
    } catch {
      // A half-written line would run into the next one.
      try? file.truncate(to: size)
      lost += Self.count(kept) + left
    }
  }

  private static func count(_ lines: ArraySlice<UInt8>) -> Int {
    lines.count { $0 == UInt8(ascii: "\n") }
  }

  /// How many of these bytes may be written, in whole lines.
  private func fitting(_ lines: [UInt8]) -> Int {
    if size + lines.count <= Self.firstWords { return lines.count }
    if ((try? file.space().bytes) ?? .max) >= Self.spaceLeft { return lines.count }
    let room = max(0, Self.firstWords - size)
    return lines.prefix(room).lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
  }

  /// The oldest file is removed first, to make room. If renaming fails, the current file keeps growing.
  private mutating func rotate() {
    let kept = ((try? Files.list(folder.log)) ?? []).compactMap { Int($0) }.sorted()
    for old in kept.dropLast(Self.filesKept - 1) { try? Files.remove("\(folder.log)/\(old)") }
    let aside = "\(folder.log)/\((kept.last ?? 0) + 1)"
    guard (try? Files.rename(folder.currentLog, to: aside)) != nil else { return }
    guard let new = try? File.open(folder.currentLog, .append) else {
      try? Files.rename(aside, to: folder.currentLog)
      return
    }
    (file, size) = (new, 0)
  }
}
