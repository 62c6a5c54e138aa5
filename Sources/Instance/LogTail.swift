import Posix
import ReleaseModel

/// The end of a run's output.
public enum LogTail {
  /// The last lines, oldest first.
  public static func lines(of folder: RunFolder, count: Int) -> [LogLine] {
    var found: [LogLine] = []
    let older = ((try? Files.list(folder.log)) ?? []).compactMap { Int($0) }.sorted()
    for path in [folder.currentLog] + older.reversed().map({ "\(folder.log)/\($0)" }) {
      found = lines(in: path, count: count - found.count) + found
      if found.count >= count { break }
    }
    return found
  }

  private static func lines(in path: String, count: Int) -> [LogLine] {
    let window = 256 << 10
    guard count > 0, let file = try? File.open(path, .read), let size = try? file.size(),
      let bytes = try? file.read(upTo: window, at: max(0, size - window))
    else { return [] }
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // The first line of the window may be cut, and behind the last newline nothing is whole.
    if size > window { lines.removeFirst() }
    if !lines.isEmpty { lines.removeLast() }
    var time = Timestamp(milliseconds: 0)
    return lines.suffix(count).map { bytes in
      let line = LogLine(line: bytes, fallback: time)
      time = line.time
      return line
    }
  }
}
