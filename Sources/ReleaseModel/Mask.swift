/// Takes the values of config vars out of a text before it is shown or logged.
///
/// A value is masked as `«NAME»` if it is at least 8 bytes long and no common word or number, so that masking
/// `true` or `production` does not make texts unreadable.
public struct Mask: Sendable {
  private struct Pair: Hashable {
    var value: String
    var name: String
  }

  private let values: [Pair]

  public init(config: [String: String]) { self.init(all: [config]) }

  /// Masks the values of several sets, old and new ones of an app, say.
  public init(all sets: [[String: String]]) {
    values =
      Set(sets.flatMap { $0.flatMap(Self.pairs) })
      .filter { Self.isTelling($0.value) }
      // Longest first: a value may hold another.
      .sorted { ($0.value.utf8.count, $0.name) > ($1.value.utf8.count, $1.name) }
  }

  /// Output comes line by line: a key of many lines is known by each of them.
  private static func pairs(_ name: String, _ value: String) -> [Pair] {
    ([value] + value.split(separator: "\n").map(String.init))
      .map { Pair(value: $0, name: name) }
  }

  public func callAsFunction(_ text: String) -> String {
    values.reduce(text) { Self.replace($1.value, in: $0, by: "«\($1.name)»") }
  }

  public func callAsFunction(_ cause: Cause) -> Cause {
    var cause = cause
    cause.sentence = self(cause.sentence)
    cause.facts = cause.facts.mapValues { self($0) }
    for index in cause.evidence.indices {
      cause.evidence[index].text = self(cause.evidence[index].text)
    }
    return cause
  }

  static let commonWords: Set<String> = [
    "production", "development", "postgres", "localhost", "127.0.0.1", "disabled", "password",
    "database", "hostname", "username", "internal", "external",
  ]

  private static func isTelling(_ value: String) -> Bool {
    value.utf8.count >= 8 && Double(value) == nil && !commonWords.contains(value.lowercased())
  }

  private static func replace(_ needle: String, in text: String, by replacement: String) -> String {
    let (needle, bytes) = (Array(needle.utf8), Array(text.utf8))
    guard bytes.count >= needle.count, let first = needle.first else { return text }
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == first, bytes[index...].starts(with: needle) {
        result += replacement.utf8
        index += needle.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
