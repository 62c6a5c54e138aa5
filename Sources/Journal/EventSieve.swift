import Events
import HomeLayout
import Posix

/// Tells from the bytes of a line that its event is of another app or type, without reading it. It never rejects a
/// line that matches; whether one that passes has it, only its event can tell.
public struct EventSieve: Sendable {
  /// Bytes that stand in every line that matches, except where a letter is written as `\u0061`.
  private var parts: [[UInt8]] = []

  public init(app: String?, type: Glob? = nil) {
    // Two texts can be equal and differ in their bytes; names of apps cannot.
    if let app, AppName.isValid(app) { parts.append(Array("\"\(app)\"".utf8)) }
    // A line that is no event is given a type that does not stand in it.
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

  /// Whether JSON has no escape for it but `\u`.
  private static func hasOneForm(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != quote && byte != UInt8(ascii: "/") && byte != escape[0]
  }

  private static func hasEscapes(_ bytes: [UInt8]) -> Bool {
    bytes.firstIndex(of: escape[0], from: 0) != nil && bytes.contains(part: escape)
  }

  private static let quote = UInt8(ascii: "\"")
  private static let escape = Array(#"\u"#.utf8)
}
