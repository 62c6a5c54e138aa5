import HomeLayout
import Posix

/// The end of a run's output.
public enum LogTail {
  /// The last lines, oldest first.
  /// - Parameter bytes: no more than this is read.
  public static func lines(of folder: RunFolder, count: Int, bytes: Int = .max) -> [LogLine] {
    read(folder, count: count, bytes: bytes).lines
  }

  /// The last lines, oldest first, and the place in the current file after the last of them.
  public static func read(_ folder: RunFolder, count: Int, bytes: Int = .max)
    -> (lines: [LogLine], end: Int)
  {
    var (found, end, left) = tail(folder.currentLog, count: count, bytes: bytes)
    let older = ((try? Files.list(folder.log)) ?? []).compactMap { Int($0) }.sorted()
    for number in older.reversed() where found.count < count && left > 0 {
      let more = tail("\(folder.log)/\(number)", count: count - found.count, bytes: left)
      (found, left) = (more.lines + found, more.left)
    }
    return (found, end)
  }

  /// - Returns: the lines, the place after the last of them, and how many bytes may still be read.
  private static func tail(_ path: String, count: Int, bytes limit: Int)
    -> (lines: [LogLine], end: Int, left: Int)
  {
    guard let file = try? File.open(path, .read), let size = try? file.size() else {
      return ([], 0, limit)
    }
    var window = min(256 << 10, limit)
    while true {
      let start = max(0, size - window)
      guard let bytes = try? file.read(upTo: size - start, at: start),
        // A line without a newline is not complete.
        let last = bytes.lastIndex(of: UInt8(ascii: "\n"))
      else { return ([], 0, limit - window) }
      var parts = bytes[..<last].split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      // The window may begin within a line.
      if start > 0 { parts.removeFirst() }
      if parts.count >= count || start == 0 || window == limit {
        return (lines(parts.suffix(count)), start + last + 1, max(0, limit - window))
      }
      window = min(window * 4, limit)
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
