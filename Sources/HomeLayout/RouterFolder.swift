/// `router/`: the files of the home's router.
public struct RouterFolder: Hashable, Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// Locked by the router's parent while it is alive; it has the first two lines of a status.
  public var lock: String { path + "/lock" }
  public var status: String { path + "/status" }
  public var configuration: String { path + "/haproxy.cfg" }
  /// What the agent has told HAProxy, for the next agent.
  public var routes: String { path + "/routes.json" }
  /// The port, which stays the same: `format 1` and `port 8080`.
  public var port: String { path + "/port" }
  /// The sockets that it listens on beside the loopback address.
  public var sockets: String { path + "/sockets" }
  /// Certificates with their keys, a file each.
  public var certificates: String { path + "/certs" }
  /// The certificate for clients that ask for a name without one.
  public var standIn: String { certificates + "/_.pem" }
  /// The files of `dehydrated`, which orders certificates, and its user.
  public var acme: String { path + "/acme" }
  public var acmeUser: String { path + "/acme.uid" }
  /// The answers to an authority that asks for the tokens of an order.
  public var tokens: String { path + "/tokens.map" }
  /// The names of sleeping apps that clients ask for, a file each.
  public var wakes: String { path + "/wake" }
  /// What HAProxy and its parent print.
  public var log: String { path + "/log" }
  /// The uid of HAProxy, if root serves the home.
  public var user: String { path + "/uid" }

  /// The instance and run in whose log requests are written.
  public static let instance = "router.1"
  public static let run: UInt64 = 1

  /// The arguments of HAProxy.
  public var arguments: [String] { ["-db", "-f", configuration] }

  /// The names of the sockets of a generation: one for every command, one that only shows.
  public static func adminSocket(_ generation: Int) -> String { "admin.\(generation)" }
  public static func statisticsSocket(_ generation: Int) -> String { "stats.\(generation)" }
}

/// The status of the router, which its parent writes to the file `status` and replaces by rename at each change.
///
/// ```
/// format 1
/// keeper 812 4711
/// haproxy 3 815 4720
/// listen 127.0.0.1:8080
/// http 0.0.0.0:80
/// closed [::]:80 address already in use
/// left 9042000
/// failed [ALERT] config : …
/// ```
public struct RouterStatus: Hashable, Sendable {
  public typealias Process = RunStatus.Process

  /// The parent.
  public var keeper: Process
  /// A HAProxy that serves. Each one that was started has the next number.
  public struct Generation: Hashable, Sendable {
    public var number: Int
    public var process: Process

    public init(number: Int, process: Process) { (self.number, self.process) = (number, process) }
  }
  public var serving: Generation?
  /// Where it listens on the loopback addresses: `127.0.0.1:8080`, `[::1]:8080`
  public var addresses: [String] = []
  /// Where else it listens, without and with TLS.
  public var http: [String] = []
  public var https: [String] = []
  /// Where it should listen and cannot: the address, and why.
  /// Where it tells its counts to Prometheus.
  public var metrics: [String] = []
  public var closed: [String] = []
  /// When a HAProxy was last asked to finish the requests that it has, in milliseconds since the host's boot; nil if all
  /// such have ended.
  public var left: Int64?
  /// Why the last configuration could not be used; nil if it is in use.
  public var failure: String?

  public init(keeper: Process) { self.keeper = keeper }

  public var text: String {
    var lines = ["format \(HomeFormat.current)", "keeper \(keeper.pid) \(keeper.started)"]
    if let serving {
      lines.append(
        "haproxy \(serving.number) \(serving.process.pid) \(serving.process.started)")
    }
    lines += addresses.map { "listen \($0)" } + http.map { "http \($0)" }
    lines += https.map { "https \($0)" } + metrics.map { "metrics \($0)" }
    lines += closed.map { "closed \($0)" }
    if let left { lines.append("left \(left)") }
    if let failure { lines.append("failed \(failure)") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// - Returns: nil if the text is damaged or of a newer format.
  public init?(text: String) {
    let lines = text.split(separator: "\n")
    guard lines.first == "format \(HomeFormat.current)" else { return nil }
    var keeper: Process?
    var status = RouterStatus(keeper: Process(pid: 0, started: 0))
    for line in lines.dropFirst() {
      let words = line.split(separator: " ", maxSplits: 1)
      guard words.count == 2 else { return nil }
      let numbers = words[1].split(separator: " ").map { Int64($0) }
      switch words[0] {
      case "keeper": keeper = Process(numbers)
      case "haproxy":
        guard let process = Process(Array(numbers.dropFirst())),
          let number = numbers.first?.flatMap({ Int(exactly: $0) })
        else { return nil }
        status.serving = Generation(number: number, process: process)
      case "listen": status.addresses.append(String(words[1]))
      case "http": status.http.append(String(words[1]))
      case "https": status.https.append(String(words[1]))
      case "metrics": status.metrics.append(String(words[1]))
      case "closed": status.closed.append(String(words[1]))
      case "left": status.left = numbers.first.flatMap { $0 }
      case "failed": status.failure = String(words[1])
      default: return nil
      }
    }
    guard let keeper else { return nil }
    status.keeper = keeper
    self = status
  }
}

/// Where the router is to listen beside the loopback address, in the file `sockets`.
///
/// ```
/// format 1
/// http 0.0.0.0 80
/// https :: 443
/// metrics 127.0.0.1 9101
/// ```
public struct RouterSockets: Hashable, Sendable {
  public struct Place: Hashable, Sendable {
    public var address: String
    public var port: UInt16

    public init(_ address: String, _ port: UInt16) { (self.address, self.port) = (address, port) }
  }
  public var http: [Place] = []
  public var https: [Place] = []
  public var metrics: [Place] = []

  public init() {}

  public var text: String {
    let lines = http.map { "http \($0.address) \($0.port)" }
    let secure = https.map { "https \($0.address) \($0.port)" }
    let counts = metrics.map { "metrics \($0.address) \($0.port)" }
    return (["format \(HomeFormat.current)"] + lines + secure + counts).joined(separator: "\n")
      + "\n"
  }

  /// Reads a file's text; lines that are damaged or of a newer format are left out.
  public init(text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 3, let port = UInt16(words[2]) else { continue }
      let place = Place(String(words[1]), port)
      if words[0] == "http" { http.append(place) }
      if words[0] == "https" { https.append(place) }
      if words[0] == "metrics" { metrics.append(place) }
    }
  }
}
