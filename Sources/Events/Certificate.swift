import HomeLayout

/// A certificate of the home's router. Its key is a file of the home.
public struct Certificate: Hashable, Codable, Sendable {
  /// Its first host.
  public var name: String
  public var hosts: [String]
  public var until: Timestamp?
  /// The URL of the authority that it was ordered from, which renews it; nil if the operator has it from elsewhere.
  public var authority: String?
  /// When it was added.
  public var since: Timestamp?
  /// The last failure of a renewal, and when that was.
  public var failure: Cause?
  public var tried: Timestamp?

  public init(name: String, hosts: [String], until: Timestamp?, authority: String? = nil) {
    (self.name, self.hosts, self.until) = (name, hosts, until)
    self.authority = authority
  }

  /// Reads what `words` wrote; nil if the name is no host.
  public init?(name: String?, _ words: [String: String]) {
    guard let name, let domain = Domain(name), domain.prefix.isEmpty, !domain.isDefault else {
      return nil
    }
    self.name = domain.host
    hosts = (words["hosts"] ?? "").split(separator: " ").map(String.init)
    until = words["until"].flatMap { Timestamp($0) }
    authority = words["authority"]
  }

  public var words: [String: String] {
    var words = ["hosts": hosts.joined(separator: " ")]
    words["until"] = until?.description
    words["authority"] = authority
    return words
  }

  /// The name of its file: a star is no letter that every program takes in a file's name.
  public var file: String { name.replacing("*", with: "_") + ".pem" }

  /// Whether it names the host.
  public func covers(_ host: String) -> Bool {
    hosts.contains { $0 == host || $0.hasPrefix("*.") && $0.dropFirst() == host.drop { $0 != "." } }
  }

  /// When it is to be renewed: after two thirds of its time; after a failure an hour later. Nil if nothing renews it.
  public var renewal: Timestamp? {
    guard authority != nil, let since, let until else { return nil }
    let due = since + (until - since) / 3 * 2
    return max(due, tried.map { $0 + 3_600_000 } ?? due)
  }

  /// Milliseconds before its end at which an operator is told.
  private static let notice: Int64 = 14 * 86_400_000

  /// `the certificate of shop.example.com ends in 9 days`
  public func warning(_ now: Timestamp) -> String {
    let days = until.map { ($0 - now) / 86_400_000 } ?? 0
    let end = until.map { $0 < now } == true ? "has ended" : "ends in \(days) days"
    return "the certificate of \(name) \(end)" + (failure.map { ": \($0.sentence)" } ?? "")
  }

  /// Whether it ends soon, or has ended.
  public func endsSoon(_ now: Timestamp) -> Bool { until.map { $0 - now < Self.notice } ?? false }
}
