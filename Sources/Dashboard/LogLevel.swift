import Terminal

/// The level that a line of output names: Elixir's logger and OTP's write `[error]` or
/// `=ERROR REPORT====` near its start.
enum LogLevel {
  private static let words: [(word: String, role: Role)] = [
    ("[debug]", .logDebug), ("[info]", .logInfo), ("[notice]", .logNotice),
    ("[warning]", .logWarning), ("[warn]", .logWarning), ("[error]", .logError),
    ("[critical]", .logError), ("[alert]", .logError), ("[emergency]", .logError),
    ("=ERROR REPORT", .logError), ("=CRASH REPORT", .logError), ("=WARNING REPORT", .logWarning),
    ("** (", .logError),
  ]

  static func role(of line: String) -> Role {
    let head = String(line.prefix(48))
    return words.first { head.contains($0.word) }?.role ?? .text
  }

  /// The line without the time that Elixir's logger writes: the view shows a time of its own.
  static func text(of line: String) -> String {
    let head = Array(line.utf8.prefix(13))
    guard head.count == 13, head[2] == UInt8(ascii: ":"), head[5] == UInt8(ascii: ":"),
      head[8] == UInt8(ascii: "."), head[12] == UInt8(ascii: " "),
      head.enumerated().allSatisfy({
        [2, 5, 8, 12].contains($0.offset) || (48...57).contains($0.element)
      })
    else { return line }
    return String(decoding: line.utf8.dropFirst(13), as: UTF8.self)
  }
}
