import HomeLayout

/// A certificate of the home's router. Its key is a file of the home.
public struct Certificate: Hashable, Codable, Sendable {
  /// Its first host.
  public var name: String
  public var hosts: [String]
  public var until: Timestamp?

  public init(name: String, hosts: [String], until: Timestamp?) {
    (self.name, self.hosts, self.until) = (name, hosts, until)
  }

  /// Reads what `words` wrote; nil if the name is no host.
  public init?(name: String?, _ words: [String: String]) {
    guard let name, let domain = Domain(name), domain.prefix.isEmpty, !domain.isDefault else {
      return nil
    }
    self.name = domain.host
    hosts = (words["hosts"] ?? "").split(separator: " ").map(String.init)
    until = words["until"].flatMap { Timestamp($0) }
  }

  public var words: [String: String] {
    var words = ["hosts": hosts.joined(separator: " ")]
    words["until"] = until?.description
    return words
  }

  /// The name of its file: a star is no letter that every program takes in a file's name.
  public var file: String { name.replacing("*", with: "_") + ".pem" }

  /// Whether it names the host.
  public func covers(_ host: String) -> Bool {
    hosts.contains { $0 == host || $0.hasPrefix("*.") && $0.dropFirst() == host.drop { $0 != "." } }
  }

  /// Milliseconds before its end at which an operator is told.
  public static let warning: Int64 = 14 * 86_400_000

  /// Whether it ends soon, or has ended.
  public func endsSoon(_ now: Timestamp) -> Bool { until.map { $0 - now < Self.warning } ?? false }
}
