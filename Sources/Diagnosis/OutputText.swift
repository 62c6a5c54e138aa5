import ErlangTerm
import Events
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
  /// The lines among which a cause is looked for. Older ones have nothing to do with what happened.
  private(set) var recent: Range<Int>
  private let mask: @Sendable (String) -> String

  /// - Parameters:
  ///   - start: when the first line was written in which a cause is looked for; nil for all lines.
  ///   - mask: masks the values of config vars in the texts of a term.
  init(_ output: [LogLine], since start: Timestamp?, mask: @escaping @Sendable (String) -> String) {
    (self.output, self.mask) = (output, mask)
    // From the end, because a limit must not cost the last lines.
    var reversed: [[Line]] = []
    var left = Self.mostLinesOfMessages
    for (index, line) in output.enumerated().reversed() {
      let parts = Self.texts(Self.withoutColours(line.text), atMost: left)
      if parts.count > 1 { left -= parts.count }
      reversed.append(parts.map { Line(text: $0, origin: index) })
    }
    lines = Array(reversed.reversed().joined())
    let first = start.map { start in output.firstIndex { $0.time >= start } ?? output.count } ?? 0
    recent = (lines.firstIndex { $0.origin >= first } ?? lines.count)..<lines.count
  }

  /// Lines of JSON may hold very many lines.
  private static let mostLinesOfMessages = 4000

  private static func texts(_ line: String, atMost count: Int) -> [String] {
    guard let message = message(inJSON: line) else { return [line] }
    return message.split(
      separator: "\n", maxSplits: max(1, count), omittingEmptySubsequences: false
    )
    .prefix(max(1, count)).map(String.init)
  }

  /// The index of the last recent line for which a text can be found.
  func last<Found>(_ find: (String) -> Found?) -> (index: Int, found: Found)? {
    for index in recent.reversed() {
      if let found = find(lines[index].text) { return (index, found) }
    }
    return nil
  }

  /// The text behind a mark in the last recent line that has it.
  func last(behind mark: String) -> (index: Int, found: Substring)? {
    last { line in line.firstRange(of: mark).map { line[$0.upperBound...] } }
  }

  /// The lines since a moment, and before a line.
  func lines(since start: Timestamp, before end: Int) -> Range<Int> {
    let first = output.firstIndex { $0.time >= start } ?? output.count
    return min(end, lines.firstIndex { $0.origin >= first } ?? lines.count)..<end
  }

  /// The indices of the last recent lines that are not empty.
  func lastLines(_ count: Int) -> ArraySlice<Int> {
    recent.filter { !lines[$0].text.trimmingSpaces.isEmpty }.suffix(count)
  }

  func time(of line: Int) -> Timestamp { output[lines[line].origin].time }

  /// The term at the start of a text, with values of config vars masked in all forms of text; nil if there is none.
  func term(in text: Substring) -> Term? { PrintedTerm.read(text)?.masked(by: mask) }

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

  // MARK: - JSON

  /// The names under which loggers for JSON write the message.
  private static let messageKeys = ["message", "msg", "text", "event", "short_message", "@m"]

  /// The message of a line of JSON, and behind it an exception that stands in another member.
  private static func message(inJSON line: String) -> String? {
    let text = line.drop { $0.isWhitespace }
    guard text.first == "{", text.dropFirst().first(where: { !$0.isWhitespace }) == "\"",
      let json = try? CompactJSON(Array(text.utf8))
    else { return nil }
    func value(_ name: String) -> String? { json[name].flatMap(CompactJSON.text) }
    let message = messageKeys.compactMap(value).first
    let level = ["level", "severity", "@l"].compactMap(value).first?.lowercased() ?? ""
    // Below a warning, an exception in another member is data.
    let isMinor = ["debug", "info", "notice"].contains(level)
    if isMinor || message?.contains("** (") == true { return message }
    let parts = [message, exception(in: json, depth: 0)].compactMap { $0 }
    return parts.isEmpty ? nil : parts.joined(separator: "\n")
  }

  private static func exception(in json: CompactJSON, depth: Int) -> String? {
    for member in json.members ?? [] {
      let value = json.bytes[member.range]
      if let text = CompactJSON.text(value) {
        if text.contains("** (") { return text }
      } else if depth < 3, value.first == UInt8(ascii: "{"),
        let inner = try? CompactJSON(Array(value)),
        let found = exception(in: inner, depth: depth + 1)
      {
        return found
      }
    }
    return nil
  }
}
