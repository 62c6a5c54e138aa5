/// The requests of an app or an instance, as its router counts them since it has read its configuration.
public struct Traffic: Hashable, Codable, Sendable {
  /// In the last second.
  public var rate = 0
  public var requests = 0
  /// Under way.
  public var open = 0
  /// Answers with a status from 400 to 499.
  public var refused = 0
  /// Answers with a status from 500 on.
  public var failed = 0
  /// Milliseconds of the last 1024 requests on average, and of the slowest one.
  public var mean = 0
  public var slowest = 0

  public init() {}

  public init(
    rate: Int, requests: Int, open: Int, refused: Int, failed: Int, mean: Int, slowest: Int
  ) {
    (self.rate, self.requests, self.open) = (rate, requests, open)
    (self.refused, self.failed, self.mean, self.slowest) = (refused, failed, mean, slowest)
  }

  /// Adds what was counted apart. The times are those of this one, unless it had no request.
  public mutating func add(_ other: Traffic) {
    if requests == 0 { mean = other.mean }
    slowest = max(slowest, other.slowest)
    (rate, requests, open) = (rate + other.rate, requests + other.requests, open + other.open)
    (refused, failed) = (refused + other.refused, failed + other.failed)
  }
}

/// How long the requests took that were logged last, in milliseconds.
public struct RequestTimes: Hashable, Codable, Sendable {
  public var requests: Int
  public var p50: Int
  public var p95: Int
  public var p99: Int

  public init(requests: Int, p50: Int, p95: Int, p99: Int) {
    (self.requests, self.p50, self.p95, self.p99) = (requests, p50, p95, p99)
  }
}

/// The requests of an app as `relctl router --json` prints them.
public struct AppTraffic: Hashable, Codable, Sendable {
  public var app: String
  public var address: String?
  public var domains: [Domain]
  /// What clients read in place of the app's answers.
  public var maintenance: String?
  public var traffic: Traffic?
  /// Of the requests that were logged last; nil without an access log.
  public var times: RequestTimes?
  public var instances: [Instance]

  public struct Instance: Hashable, Codable, Sendable {
    public var instance: InstanceName
    public var run: UInt64
    public var state: RunState
    public var port: UInt16?
    /// Whether the router sends it requests.
    public var takesRequests: Bool
    public var traffic: Traffic?

    public init(_ run: Board.Run, traffic: Traffic?, takesRequests: Bool) {
      (instance, self.run, state, port) = (run.instance, run.id, run.state, run.port)
      (self.traffic, self.takesRequests) = (traffic, takesRequests)
    }
  }

  public init(_ app: Board.App, traffic: Traffic?, instances: [Instance]) {
    (self.app, address, domains) = (app.name, app.address, app.domains ?? [])
    (maintenance, self.traffic, self.instances) = (app.maintenance, traffic, instances)
  }
}

/// The router as `relctl router --json` prints it.
public struct RouterReport: Hashable, Codable, Sendable {
  /// The loopback addresses, and those for other hosts without and with TLS.
  public var listen: [String] = []
  public var http: [String] = []
  public var https: [String] = []
  public var metrics: [String] = []
  /// Where it should listen and cannot, and why.
  public var closed: [String] = []
  public var trusted: [AddressRange] = []
  /// HAProxy's.
  public var pid: Int32?
  /// Why the last configuration could not be used.
  public var failure: String?
  public var apps: [AppTraffic] = []

  public init() {}
}
