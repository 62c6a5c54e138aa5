/// How the router treats the requests of an app; nil for the default.
public struct RouteOptions: Hashable, Codable, Sendable {
  public enum Name: String, CaseIterable, Codable, Sendable {
    /// Bytes of a request's body.
    case body
    /// Milliseconds until an app must have begun to answer.
    case timeout
    /// Whether the app sees the path prefix of a domain.
    case prefix
    /// Whether requests without TLS are redirected.
    case https
    /// Seconds for which browsers are to use TLS only. RFC 6797
    case hsts
    /// Whether each request is logged.
    case log
    /// Milliseconds without a request after which the app sleeps until the next one; `never`.
    case sleep
  }

  private var values: [Name: Int] = [:]

  public init() {}

  /// The value of `sleep` for an app that does not.
  public static let never = -1

  public subscript(name: Name) -> Int? {
    get { values[name] }
    set { values[name] = newValue }
  }

  public func isOn(_ name: Name) -> Bool { values[name] == 1 }

  /// Takes over words as an operator writes them; those that this version cannot read are left out.
  public mutating func apply(_ words: [String: String]) {
    for (word, text) in words {
      guard let name = Name(rawValue: word), let value = name.value(text) else { continue }
      self[name] = value == 0 ? nil : value
    }
  }
}

extension RouteOptions.Name {
  /// Reads an option as an operator writes it; 0 for the default.
  /// - Returns: nil if it is none.
  public func value(_ text: String) -> Int? {
    switch self {
    case .prefix: ["strip": 0, "keep": 1][text]
    case .https: ["off": 0, "redirect": 1][text]
    case .log: ["off": 0, "on": 1][text]
    case .body:
      text == "none" ? 0 : Limits.Name.memory.number(text).flatMap { Self.within(1024, $0) }
    case .timeout: Self.seconds(text).flatMap { Self.within(1, $0) }.map { $0 * 1000 }
    case .sleep:
      text == "default"
        ? 0
        : text == "never"
          ? RouteOptions.never
          : LeaseText.milliseconds(text, in: 10_000...31_622_400_000).map { Int($0) }
    case .hsts: text == "off" ? 0 : Self.seconds(text).flatMap { Self.within(1, $0) }
    }
  }

  private static func within(_ least: Int, _ number: Int) -> Int? {
    least <= number ? number : nil
  }

  private static func seconds(_ text: String) -> Int? {
    (1...9).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) }
      ? Int(text) : nil
  }

  /// An option as an operator writes it; `value` reads it.
  public func text(_ value: Int?) -> String {
    switch self {
    case .prefix: value == 1 ? "keep" : "strip"
    case .https: value == 1 ? "redirect" : "off"
    case .log: value == 1 ? "on" : "off"
    case .body: value.map(Limits.Name.memory.text) ?? "none"
    case .sleep:
      value.map { $0 == RouteOptions.never ? "never" : LeaseText.text(Int64($0)) } ?? "default"
    case .timeout: String((value ?? Self.usualTimeout) / 1000)
    case .hsts: value.map { String($0) } ?? "off"
    }
  }

  /// Milliseconds.
  public static let usualTimeout = 60_000

  /// What it means, for a help text.
  public var meaning: String {
    switch self {
    case .body: "the longest body of a request, such as 10M; none"
    case .timeout: "seconds until the app must have begun to answer, then clients get 504; 60"
    case .prefix: "strip or keep the path prefix of a domain before the app sees it; strip"
    case .https: "redirect: requests without TLS are sent to https; off"
    case .hsts: "seconds for which browsers use TLS only, such as 31536000; off"
    case .sleep:
      "time without requests after which it sleeps until the next one, such as 1h; never; default: 1h for previews, never for others"
    case .log: "on: a line for each request in relctl logs; off"
    }
  }
}
