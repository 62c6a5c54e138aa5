import Events

/// A fast filter for lines of the log: it rules out lines of other apps or types without decoding
/// them. It never rejects a line that matches; a line that passes must still be decoded.
public struct EventSieve: Sendable {
  /// Bytes that occur in every matching line, unless a letter is written as `\u0061`.
  private var parts: [[UInt8]] = []

  public init(app: String?, type: Glob? = nil) {
    // Equal strings can differ in their bytes; names of apps cannot.
    if let app, AppName.isValid(app) { parts.append(Array("\"\(app)\"".utf8)) }
    // A line that is not an event has a made-up type, which does not occur in its bytes.
    if let type, !type.matches(EventEnvelope.unreadable.typeName),
      type.pattern.allSatisfy(Self.hasOneForm)
    {
      let quoted = [Self.quote] + type.pattern + [Self.quote]
      let literals = quoted.split(whereSeparator: Glob.isWildcard)
      if let longest = literals.max(by: { $0.count < $1.count }) { parts.append(Array(longest)) }
    }
  }

  public func mayPass(_ line: [UInt8]) -> Bool {
    parts.allSatisfy { line.contains(part: $0) } || Self.hasEscapes(line)
  }

  /// Whether `\u` is the only escape that JSON has for the byte.
  private static func hasOneForm(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != quote && byte != UInt8(ascii: "/") && byte != escape[0]
  }

  private static func hasEscapes(_ bytes: [UInt8]) -> Bool {
    bytes.firstIndex(of: escape[0], from: 0) != nil && bytes.contains(part: escape)
  }

  private static let quote = UInt8(ascii: "\"")
  private static let escape = Array(#"\u"#.utf8)
}
