import HomeLayout
import Posix

/// The end of a run's output.
public enum LogTail {
  /// The last lines, oldest first.
  public static func lines(of folder: RunFolder, count: Int) -> [LogLine] {
    read(folder, count: count).lines
  }

  /// The last lines, oldest first, and the place in the current file after the last of them.
  public static func read(_ folder: RunFolder, count: Int) -> (lines: [LogLine], end: Int) {
    var (found, end) = tail(folder.currentLog, count: count)
    let older = ((try? Files.list(folder.log)) ?? []).compactMap { Int($0) }.sorted()
    for number in older.reversed() where found.count < count {
      found = tail("\(folder.log)/\(number)", count: count - found.count).lines + found
    }
    return (found, end)
  }

  private static func tail(_ path: String, count: Int) -> (lines: [LogLine], end: Int) {
    guard let file = try? File.open(path, .read), let size = try? file.size() else {
      return ([], 0)
    }
    var window = 256 << 10
    while true {
      let start = max(0, size - window)
      guard let bytes = try? file.read(upTo: size - start, at: start),
        // A line without a newline is not complete.
        let last = bytes.lastIndex(of: UInt8(ascii: "\n"))
      else { return ([], 0) }
      var parts = bytes[..<last].split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      // The window may begin within a line.
      if start > 0 { parts.removeFirst() }
      if parts.count >= count || start == 0 {
        return (lines(parts.suffix(count)), start + last + 1)
      }
      window *= 4
    }
  }

  private static func lines(_ parts: ArraySlice<ArraySlice<UInt8>>) -> [LogLine] {
    var time = Timestamp(milliseconds: 0)
    return parts.map { bytes in
      let line = LogLine(line: bytes, fallback: time)
      time = line.time
      return line
    }
  }
}
