import Events
import HomeLayout
import JSONText
import Posix

extension RouterStatus {
  /// The status in the router's folder; nil if it has no living parent. If the status is damaged, this says only which
  /// process is the parent.
  public init?(of folder: RouterFolder) {
    for path in [folder.status, folder.lock] {
      guard let bytes = (try? Files.readIfThere(path, limit: 65_536)).flatMap({ $0 }),
        let status = RouterStatus(text: String(decoding: bytes, as: UTF8.self)),
        status.keeperLives
      else { continue }
      self = status
      return
    }
    return nil
  }

  public var keeperLives: Bool { keeperIdentity.isAlive }

  public var keeperIdentity: ProcessIdentity {
    ProcessIdentity(pid: keeper.pid, started: keeper.started)
  }

  /// Where an app is reached: at its first domain that is a name, if the router listens for other hosts; else at its name
  /// below localhost, such as `http://shop.localhost:8080`. Nil if the router does not know it.
  /// - Parameter certificates: those of the router; a domain that none of them names is reached without TLS.
  public func address(of app: Board.App, certificates: [Certificate]) -> String? {
    guard RouterConfig.hasAddress(app.name), let port = Self.port(of: addresses) else { return nil }
    let domain = app.domains?.first { !$0.isWildcard && !$0.isDefault }
    if let domain, let port = Self.port(of: https),
      certificates.contains(where: { $0.covers(domain.host) })
    {
      return "https://\(domain.host)\(port == "443" ? "" : ":" + port)\(domain.prefix)"
    }
    if let domain, let port = Self.port(of: http) {
      return "http://\(domain.host)\(port == "80" ? "" : ":" + port)\(domain.prefix)"
    }
    return "http://\(app.localHost):\(port)"
  }

  private static func port(of addresses: [String]) -> String? {
    addresses.first?.split(separator: ":").last.map(String.init)
  }
}

extension RouterSockets {
  /// Where the settings say; without an address, on all of the host's.
  public init(_ settings: RouterSettings) {
    self.init()
    let addresses = settings.on.isEmpty ? ["0.0.0.0", "::"] : settings.on
    http = settings.http.map { port in addresses.map { Place($0, port) } } ?? []
    https = settings.https.map { port in addresses.map { Place($0, port) } } ?? []
    // Counts are for this host only, unless the operator names an address.
    let own = settings.on.isEmpty ? ["127.0.0.1", "::1"] : settings.on
    metrics = settings.metrics.map { port in own.map { Place($0, port) } } ?? []
  }
}

extension RouterConfig {
  /// What an agent has told the router last; nil if it cannot be read.
  public init?(told folder: RouterFolder) {
    guard let bytes = try? Files.read(folder.routes, limit: 1 << 24),
      let config = try? JSON.decode(RouterConfig.self, from: bytes)
    else { return nil }
    self = config
  }
}
