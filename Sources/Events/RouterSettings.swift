/// Where the home's router listens beside its loopback address, and whom it believes.
public struct RouterSettings: Hashable, Codable, Sendable {
  /// The ports for requests without and with TLS; nil for none.
  public var http: UInt16?
  public var https: UInt16?
  /// The port on which Prometheus reads the counts of requests; nil for none.
  public var metrics: UInt16?
  /// The addresses of this host that it listens on; empty for all.
  public var on: [String] = []
  /// The addresses of proxies whose X-Forwarded headers are kept.
  public var trusted: [AddressRange] = []

  public init() {}

  /// Takes over what `describe` wrote; what this version cannot read is left out.
  public mutating func apply(action: String?, _ words: [String: String]) {
    func list(_ word: String) -> [Substring] { (words[word] ?? "").split(separator: " ") }
    switch action {
    case "listen":
      (http, https) = (words["http"].flatMap { UInt16($0) }, words["https"].flatMap { UInt16($0) })
      metrics = words["metrics"].flatMap { UInt16($0) }
      on = list("on").map(String.init).filter { AddressRange($0)?.isSingle == true }
    case "trust": trusted = list("trust").compactMap { AddressRange(String($0)) }
    default: return
    }
  }

  /// The ports and addresses, as `apply` reads them.
  public var listenWords: [String: String] {
    var words: [String: String] = [:]
    words["http"] = http.map { String($0) }
    words["https"] = https.map { String($0) }
    words["metrics"] = metrics.map { String($0) }
    if !on.isEmpty { words["on"] = on.joined(separator: " ") }
    return words
  }
}
