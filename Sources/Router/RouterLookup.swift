import Events

/// The rule by which the router chooses an app for a host and a path; HAProxy's rules in `RouterText` say the same.
public struct RouterLookup: Hashable, Sendable {
  public enum Rule: Hashable, Sendable {
    /// The app's name below localhost.
    case localhost
    case domain(Domain)
  }
  public let app: String
  public let rule: Rule

  /// - Parameters:
  ///   - host: as in a `Host` header.
  ///   - path: as it is written in a request.
  ///   - isLocal: whether the request comes in by the loopback address.
  /// - Returns: nil if no app has it.
  public init?(host: String, path: String, isLocal: Bool, among apps: some Sequence<Board.App>) {
    var host = host.prefix { $0 != ":" }.lowercased()
    if host.hasSuffix(".") { host.removeLast() }
    let routes = apps.filter { $0.current != nil && RouterConfig.hasAddress($0.name) }
    if isLocal, let app = routes.first(where: { $0.localHost == host }) {
      self.init(app: app.name, rule: .localhost)
      return
    }
    let domains = routes.flatMap { app in (app.domains ?? []).map { ($0, app.name) } }
    let wildcard = "*" + host.drop { $0 != "." }
    for name in [host, wildcard, "*"] {
      let fitting = domains.filter {
        $0.0.host == name && (path + "/").hasPrefix($0.0.prefix + "/")
      }
      guard let best = fitting.max(by: { $0.0.prefix.utf8.count < $1.0.prefix.utf8.count }) else {
        continue
      }
      self.init(app: best.1, rule: .domain(best.0))
      return
    }
    return nil
  }

  private init(app: String, rule: Rule) { (self.app, self.rule) = (app, rule) }
}
