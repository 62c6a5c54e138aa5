import Events
import JSONText

/// A filter that replaces the values of config vars by `«NAME»` before a text is shown or logged.
///
/// A value is masked if it is marked secret and has at least 4 bytes, or if it has at least 8 bytes
/// and is neither a common word nor a number; otherwise masking `true` or `production` would make
/// texts unreadable. A value is found as a whole, line by line, and quoted with backslashes, as in
/// JSON and in Erlang's terms. It is not found if it was cut in two or encoded, such as in Base64.
public struct Redactor: Sendable {
  /// The values without backslashes. A crash report may quote a quote once, twice or three times,
  /// so backslashes are ignored in values and texts.
  private let needles: NeedleTable

  public init(_ set: ConfigSet = ConfigSet()) { self.init(all: [set]) }

  /// Masks the values of several sets, such as old and new ones of an app.
  /// - Parameter mask: its values are masked too.
  public init(all sets: [ConfigSet], and mask: Redactor? = nil) {
    var all = Set(mask?.needles.needles ?? [])
    for set in sets {
      for (name, value) in set.values { all.formUnion(Self.needles(of: name, value, in: set)) }
    }
    needles = NeedleTable(all)
  }

  /// The masked values, as bytes for a file; they are as secret as the values.
  public var stored: [UInt8] { needles.pool }

  /// - Returns: nil if the bytes were not made by `stored`.
  public init?(stored: [UInt8]) {
    guard let needles = NeedleTable(pool: stored) else { return nil }
    self.needles = needles
  }

  /// No value shorter than this is masked.
  private static let shortest = NeedleTable.headLength
  private static let shortestUnmarked = 8

  private static let commonWords: Set<String> = [
    "production", "development", "postgres", "localhost", "127.0.0.1", "disabled", "password",
    "database", "hostname", "username", "internal", "external", "undefined",
  ]

  /// Output comes line by line, so each line of a long value is searched for by itself.
  private static func needles(
    of name: String, _ value: String, in set: ConfigSet
  ) -> [NeedleTable.Needle] {
    texts(of: name, value, in: set).flatMap(forms)
      .map { NeedleTable.Needle(bytes: $0.utf8.filter { $0 != backslash }, name: name) }
      .filter { $0.bytes.count >= shortest }
  }

  /// A text, and how programs that take it for another encoding, or write only ASCII, print it.
  private static func forms(of text: String) -> [String] {
    if text.utf8.allSatisfy({ $0 < 128 }) { return [text] }
    func written(_ form: (Unicode.Scalar) -> String) -> String {
      text.unicodeScalars.map { $0.isASCII ? String($0) : form($0) }.joined()
    }
    let asLatin1 = text.utf8.map { String(Unicode.Scalar($0)) }.joined()
    func escaped(_ scalar: Unicode.Scalar) -> String {
      String(scalar).utf16.map {
        let digits = String($0, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined()
    }
    return [
      text, asLatin1, written { _ in "\u{FFFD}" },
      written { "\\x{\(String($0.value, radix: 16))}" },
      written { "\\x{\(String($0.value, radix: 16, uppercase: true))}" },
      written(escaped), written { escaped($0).uppercased().replacing("\\U", with: "\\u") },
    ]
  }

  /// The texts to mask: the value and its lines, if they are long or rare enough. Of a URL that a
  /// build fetches from only the password is masked.
  static func texts(of name: String, _ value: String, in set: ConfigSet) -> [String] {
    let isMarked = set.secret.contains(name)
    let login = URLLogin(in: value)
    if !isMarked, isFetchedFrom(name), login.isPlain {
      return login.secrets.filter { isTelling($0, isMarked: true) }
    }
    let lines = value.utf8.split { $0 < 32 }.map { trimmed(String(decoding: $0, as: UTF8.self)) }
    // A short line of a long key is not a secret by itself: it may be a single brace.
    return ([value] + login.secrets).filter { isTelling($0, isMarked: isMarked) }
      + lines.filter { isTelling($0, isMarked: isMarked && lines.count == 1) }
  }

  /// Whether the variable holds an address that a build fetches from: a mirror, registry or proxy.
  private static func isFetchedFrom(_ name: String) -> Bool { places.contains(name.uppercased()) }

  private static let places: Set<String> = [
    "HEX_MIRROR", "HEX_MIRROR_URL", "HEX_API_URL", "HEX_BUILDS_URL", "HEX_BUILDS_MIRROR_URL",
    "RELPACK_TOOLCHAIN_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NPM_CONFIG_REGISTRY",
    "NPM_CONFIG_PROXY", "NPM_CONFIG_HTTPS_PROXY",
  ]

  private static let backslash = UInt8(ascii: "\\")

  private static func trimmed(_ line: String) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let bytes = line.utf8.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
    return String(decoding: Array(bytes), as: UTF8.self)
  }

  private static func isTelling(_ value: String, isMarked: Bool) -> Bool {
    if isMarked { return value.utf8.count >= shortest }
    return value.utf8.count >= shortestUnmarked && !isNumber(value)
      && !commonWords.contains(value.lowercased())
  }

  /// Whether the value is a number in decimal digits; in another form it may be a key.
  private static func isNumber(_ value: String) -> Bool {
    Double(value) != nil
      && value.utf8.allSatisfy { (48...57).contains($0) || (43...46).contains($0) }
  }
}

extension Redactor {
  private struct Match {
    var range: Range<Int>
    var name: String
  }

  private func matches(in bytes: [UInt8]) -> [Match] {
    guard bytes.contains(Self.backslash) else { return matches(inPlain: bytes) }
    let places = bytes.indices.filter { bytes[$0] != Self.backslash }
    return matches(inPlain: places.map { bytes[$0] }).map {
      let range = places[$0.range.lowerBound]..<(places[$0.range.upperBound - 1] + 1)
      return Match(range: range, name: $0.name)
    }
  }

  /// The places of values, in order. Overlapping values are covered completely.
  private func matches(inPlain bytes: [UInt8]) -> [Match] {
    var found: [Match] = []
    var head: UInt32 = 0
    for end in bytes.indices {
      head = head >> 8 | UInt32(bytes[end]) << 24
      let start = end - (Self.shortest - 1)
      guard needles.mayBegin(with: head), start >= 0,
        let needle = needles.longest(at: bytes[start...])
      else { continue }
      let covered = found.last?.range.upperBound ?? 0
      let upper = start + needle.count
      if upper <= covered { continue }
      if start < covered, let last = found.indices.last, found[last].name == needle.name {
        found[last].range = found[last].range.lowerBound..<upper
      } else {
        found.append(Match(range: max(start, covered)..<upper, name: needle.name))
      }
    }
    return found
  }

  /// - Parameter origin: maps an index of the searched bytes to an index of `bytes`.
  private static func replace(
    _ matches: [Match], in bytes: ArraySlice<UInt8>, origin: (Int) -> Int
  ) -> [UInt8] {
    var result: [UInt8] = []
    var rest = bytes
    for match in matches {
      result += rest[..<origin(match.range.lowerBound)]
      result += TracedText.escaped("«\(match.name)»")
      rest = rest[origin(match.range.upperBound)...]
    }
    return result + rest
  }

  public func callAsFunction(_ text: String) -> String {
    if needles.isEmpty || text.utf8.count < Self.shortest { return text }
    let bytes = Array(text.utf8)
    let matches = matches(in: bytes)
    if matches.isEmpty { return text }
    return String(decoding: Self.replace(matches, in: bytes[...]) { $0 }, as: UTF8.self)
  }

  /// Masks each string in the bytes of a JSON text, names as well as values. All other bytes stay.
  /// The text need not be valid JSON: only strings are searched for, without regard to nesting.
  public func masked(json bytes: [UInt8]) -> [UInt8] {
    if needles.isEmpty { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let quote = rest.firstIndex(of: UInt8(ascii: "\"")) {
      let text = TracedText(after: quote, in: bytes)
      result += rest[...quote]
      result += Self.replace(matches(in: text.bytes), in: bytes[(quote + 1)..<text.end]) {
        text.origins[$0]
      }
      // The closing quote, if there is one.
      rest = bytes[text.end...]
      if let closing = rest.popFirst() { result.append(closing) }
    }
    return result + rest
  }
}

// MARK: - Causes and events

extension Redactor {
  /// Masks all texts of a cause but those that reltui chose: its id and the kinds of its evidence.
  public func callAsFunction(_ cause: Cause) -> Cause {
    if needles.isEmpty { return cause }
    var cause = cause
    cause.sentence = self(cause.sentence)
    cause.remedy = cause.remedy.map { self($0) }
    cause.facts = Dictionary(
      cause.facts.sorted { $0.key < $1.key }.map { (self($0.key), self($0.value)) }
    ) { first, _ in first }
    for index in cause.evidence.indices {
      cause.evidence[index].place = self(cause.evidence[index].place)
      cause.evidence[index].text = self(cause.evidence[index].text)
    }
    return cause
  }

  public func callAsFunction(_ data: EventData) -> EventData {
    if needles.isEmpty { return data }
    var data = data
    for field in EventData.Field.allCases {
      switch field.content {
      case .own: break
      case .identifier(let path):
        if let text = data[keyPath: path], !text.utf8.allSatisfy(Self.isHexDigit) {
          data[keyPath: path] = self(text)
        }
      case .text(let path): data[keyPath: path] = data[keyPath: path].map { self($0) }
      case .texts(let path):
        data[keyPath: path] = data[keyPath: path].map { $0.map { self($0) } }
      case .cause(let path): data[keyPath: path] = data[keyPath: path].map { self($0) }
      }
    }
    return data
  }

  /// Masks the subject of an event, but never the name of an app.
  public func callAsFunction(subject: String) -> String {
    AppName.isValid(subject) ? subject : self(subject)
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte) || (65...70).contains(byte)
  }
}
