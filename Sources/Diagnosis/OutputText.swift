import HomeLayout
import JSONText

/// The output of a run as lines of plain text: without colours, and with the message of a line of JSON in its place.
struct OutputText {
  struct Line {
    var text: String
    /// The index of the line of output that it comes from.
    var origin: Int
  }

  private(set) var lines: [Line] = []
  let output: [LogLine]

  init(_ output: [LogLine]) {
    self.output = output
    for (index, line) in output.enumerated() {
      let plain = Self.withoutColours(line.text)
      for part in (Self.message(inJSON: plain) ?? plain).split(
        separator: "\n", omittingEmptySubsequences: false)
      {
        lines.append(Line(text: String(part), origin: index))
      }
    }
  }

  /// The index of the last line for which a text can be found.
  func last<Found>(_ find: (String) -> Found?) -> (index: Int, found: Found)? {
    for index in lines.indices.reversed() {
      if let found = find(lines[index].text) { return (index, found) }
    }
    return nil
  }

  /// The text behind a mark in the last line that has it.
  func last(behind mark: String) -> (index: Int, found: Substring)? {
    last { line in line.firstRange(of: mark).map { line[$0.upperBound...] } }
  }

  /// The lines of output from one line to another, with the lines between them.
  func origins(_ range: ClosedRange<Int>) -> ClosedRange<Int> {
    lines[range.lowerBound].origin...lines[range.upperBound].origin
  }

  /// ECMA-48, 5.4: control sequences begin with ESC [ and end with a byte from @ to ~.
  private static func withoutColours(_ text: String) -> String {
    guard text.utf8.contains(27) else { return text }
    var (plain, rest) = ("", text[...])
    while let escape = rest.firstIndex(of: "\u{1b}") {
      plain += rest[..<escape]
      rest = rest[rest.index(after: escape)...]
      guard rest.first == "[" else { continue }
      let end = rest.dropFirst().firstIndex { ("@"..."~").contains($0) }
      rest = end.map { rest[rest.index(after: $0)...] } ?? ""
    }
    return plain + rest
  }

  /// The names under which loggers for JSON write the message.
  private static let messageKeys = ["message", "msg", "text", "event", "short_message"]

  private static func message(inJSON line: String) -> String? {
    let text = line.drop { $0.isWhitespace }
    guard text.first == "{", text.dropFirst().first(where: { !$0.isWhitespace }) == "\"",
      let json = try? CompactJSON(Array(text.utf8))
    else { return nil }
    return messageKeys.lazy.compactMap { json[$0].flatMap(CompactJSON.text) }.first
  }
}
