import JSONText

/// A name under which clients reach an app: `shop.example.com`, `*.example.com`, `example.com/api`. The name `*` alone
/// stands for every host that no other domain has.
public struct Domain: Hashable, Sendable, CustomStringConvertible {
  /// In lower case. `*.` in front stands for one label more.
  public let host: String
  /// `/api`; empty for every path.
  public let prefix: String

  /// Whether the host is a name with one label more: `*.example.com`.
  public var isWildcard: Bool { host.hasPrefix("*.") }
  /// Whether it has every host that no other domain has.
  public var isDefault: Bool { host == "*" }

  public var description: String { host + prefix }

  public init?(_ text: String) {
    if Self.fault(in: text) != nil { return nil }
    let parts = Self.parts(of: text)
    (host, prefix) = (parts.host, parts.prefix)
  }

  /// The host in lower case and without the dot at its end, and the path prefix without the slash at its end.
  private static func parts(of text: String) -> (host: String, prefix: String) {
    let slash = text.firstIndex(of: "/") ?? text.endIndex
    var (host, prefix) = (text[..<slash].lowercased(), text[slash...])
    if host.hasSuffix(".") { host.removeLast() }
    if prefix.hasSuffix("/") { prefix.removeLast() }
    return (host, String(prefix))
  }

  /// Why a text is no domain; nil if it is one. Source: RFC 1123, 2.1; RFC 3986, 3.3
  public static func fault(in text: String) -> String? {
    let (host, prefix) = parts(of: text)
    if let fault = fault(inPrefix: prefix) { return fault }
    if host == "*" { return prefix.isEmpty ? nil : "'*' has no path prefix" }
    let name = host.hasPrefix("*.") ? String(host.dropFirst(2)) : host
    if name.utf8.contains(where: { $0 > 127 }) {
      return "write it in ASCII, as in xn--bcher-kva.example"
    }
    if name.contains(":") { return "a domain has no port and no scheme" }
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    if name.utf8.count > 253 || !labels.allSatisfy(isLabel) { return "it is no name of a host" }
    if labels.last == "localhost" { return "each app has its name below localhost already" }
    if host.hasPrefix("*."), labels.count < 2 {
      return "a wildcard has a name with two labels or more"
    }
    return nil
  }

  private static func isLabel(_ label: Substring) -> Bool {
    (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
      && label.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
  }

  /// Only characters that have one form, so that no client can write a path in another way.
  private static func fault(inPrefix prefix: String) -> String? {
    if prefix.isEmpty { return nil }
    let segments = prefix.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let isFit = segments.allSatisfy { segment in
      !segment.isEmpty && segment != "." && segment != ".."
        && segment.utf8.allSatisfy { isWord($0 | 32) || "-._~".utf8.contains($0) }
    }
    if !isFit || prefix.utf8.count > longestPrefix {
      return "a path prefix has letters, digits and - . _ ~ between its slashes"
    }
    return nil
  }

  private static let longestPrefix = 200

  private static func isWord(_ byte: UInt8) -> Bool {
    (97...122).contains(byte) || (48...57).contains(byte)
  }

  /// Whether a request can belong to both. Every host that no other domain has is a domain of its own.
  public func overlaps(_ other: Domain) -> Bool {
    let isOneHost = host == other.host || covers(other) || other.covers(self)
    return isOneHost && (isBelow(other) || other.isBelow(self))
  }

  private func covers(_ other: Domain) -> Bool {
    guard isWildcard, !other.isWildcard, let dot = other.host.firstIndex(of: ".") else {
      return false
    }
    return other.host[dot...] == host.dropFirst()
  }

  private func isBelow(_ other: Domain) -> Bool { (prefix + "/").hasPrefix(other.prefix + "/") }
}

extension Domain: TextCoded {}

extension Domain: Comparable {
  /// By the host's labels from the last one on, so that names of one zone stand together.
  public static func < (left: Domain, right: Domain) -> Bool {
    if left.host == right.host { return left.prefix < right.prefix }
    return left.labels.lexicographicallyPrecedes(right.labels)
  }

  private var labels: [Substring] { host.split(separator: ".").reversed() }
}
