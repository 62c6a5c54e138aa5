import ErlangDistribution
import Events
import HomeLayout
import Posix

/// The facts that were read of one BEAM's process, before they are interpreted.
struct BeamFacts: Sendable {
  var process: ProcessIdentity
  var arguments: BeamArguments
  /// Whether we may look into the process: only its own user and root may.
  var isReadable = true
  /// The environment it was started with; empty if we may not read it.
  var environment: [String: String] = [:]
  var owner: UInt32 = 0
  /// The owner's name, or its number.
  var user = "root"
  var started = Timestamp(milliseconds: 0)
  /// `/proc/PID/cgroup`
  var controlGroups = ""
  /// The host's name, as the process sees it.
  var hostName = "localhost"
  /// The domain that completes the host's name in a long node name.
  var domain: String?
  /// Its pid, if its network namespace is not ours.
  var networkOf: Int32?
  /// The answer of its epmd; nil if it was not asked.
  var registered: Result<[EPMD.Node], PosixError>?
  /// The listening sockets of its network namespace; nil if they are unknown.
  var listeners: [Listener]?
  /// Its own sockets; nil if they were not read.
  var sockets: Set<UInt64>?
  var cookieFile: Result<Cookie, Cookie.FileProblem>?
  /// The names in the release's folder.
  var releaseFiles: [String] = []

  var epmdPort: UInt16 {
    arguments.epmdPort ?? environment["ERL_EPMD_PORT"].flatMap { UInt16($0) }
      ?? NodeAddress.epmdPort
  }

  /// The remedy if we may not read the process.
  var insightRemedy: String { owner == 0 ? "Run as root." : "Run as root, or as user \(user)." }

  /// The part of the host's name before the first dot.
  private var shortHost: String { String(hostName.prefix { $0 != "." }) }

  private var longHost: String? {
    if hostName.contains(".") { return hostName }
    return domain.map { hostName + "." + $0 }
  }

  /// The name on its command line; the host is nil if it is unknown.
  var givenName: (name: String, host: String?)? {
    let (text, host) =
      switch arguments.name {
      case .short(let text): (text, Optional(shortHost))
      case .long(let text): (text, longHost)
      case nil: ("", nil)
      }
    if text.isEmpty { return nil }
    guard let at = text.firstIndex(of: "@") else { return (text, host) }
    return (String(text[..<at]), String(text[text.index(after: at)...]))
  }

  /// The listening sockets that belong to it.
  private var ownListeners: [Listener] {
    guard let sockets else { return [] }
    let range = arguments.range
    return (listeners ?? []).filter { listener in
      sockets.contains(listener.inode) && range?.contains(listener.port) != false
    }
  }

  private var entries: [EPMD.Node] { (try? registered?.get()) ?? [] }

  /// The epmd entry of a node that took its name after its start, as RabbitMQ does. It has a port of the process.
  private var lateEntry: EPMD.Node? {
    let ports = Set(ownListeners.map(\.port))
    let found = entries.filter { ports.contains($0.port) }
    return found.count == 1 ? found.first : nil
  }

  /// `name@host`; nil for a BEAM without distribution, and if the host is unknown.
  var name: ErlangDistribution.NodeName? {
    if let (name, host) = givenName {
      return host.flatMap { ErlangDistribution.NodeName(name: name, host: $0) }
    }
    return lateEntry.flatMap { ErlangDistribution.NodeName(name: $0.name, host: shortHost) }
  }

  /// The port on which the node listens for other nodes.
  ///
  /// The port that epmd reports takes precedence over the socket table, since a node listens on other ports too. A port
  /// on which only other users' sockets listen is refused: any process may register any name.
  func port() throws(Cause) -> UInt16 {
    guard arguments.isListening else {
      throw Cause(
        .nodeRefused, "the node does not listen for others (-dist_listen false)",
        remedy: "Watch the node that it is connected to instead.")
    }
    if let port = arguments.fixedPort { return try checked(port, of: "its command line") }
    let wanted = givenName?.name
    guard let entry = wanted == nil ? lateEntry : entries.first(where: { $0.name == wanted }) else {
      let ports = Set(ownListeners.map(\.port))
      if let port = ports.first, ports.count == 1 { return port }
      throw portCause
    }
    return try checked(entry.port, of: "epmd")
  }

  /// The port, if the node's own user listens on it. A process of another user must not get the proof that we know
  /// the cookie.
  private func checked(_ port: UInt16, of source: String) throws(Cause) -> UInt16 {
    guard let listeners else { return port }
    if listeners.contains(where: { $0.port == port && $0.owner == owner }) { return port }
    let isForeign = listeners.contains { $0.port == port }
    throw Cause(
      isForeign ? .nodeHidden : .nodeUnreachable,
      "\(source) leads to port \(port), where "
        + (isForeign ? "another user's process listens" : "no process listens"),
      remedy: "See who has the port: ss -ltnp 'sport = :\(port)'")
  }

  private var portCause: Cause {
    let sentence =
      switch registered {
      case .failure(let error): "the node's port is not known: \(error)"
      case .success, nil: "the node's port is not known: it is not registered with epmd"
      }
    if case .failure(let error) = registered, error.errno == .notPermitted {
      return Cause(.nodeHidden, sentence, remedy: "Run as root: it is in a network of its own.")
    }
    return Cause(.nodeUnreachable, sentence, remedy: "See what epmd knows: epmd -names")
  }

  /// The address on which it listens on a port.
  func address(_ port: UInt16) -> String {
    let loopback = arguments.isIPv6 ? "::1" : "127.0.0.1"
    let there = (listeners ?? []).filter { $0.port == port && $0.owner == owner }
    if there.isEmpty, let interface = arguments.interface {
      return interface == "0.0.0.0" ? loopback : interface
    }
    if there.contains(where: { $0.isWildcard || $0.address == loopback }) { return loopback }
    return there.first?.address ?? loopback
  }

  /// The cookie as the VM finds it: in its arguments, else in the file. A cookie in the release's environment counts
  /// only if both are missing: the release may set it itself after its start.
  func cookie() throws(Cause) -> Cookie {
    switch arguments.cookie {
    case .word(let text):
      guard let cookie = Cookie(text) else {
        throw Cause(.cookieFile, "the node's -setcookie is no cookie")
      }
      return cookie
    case .none: throw Cause(.nodeHidden, "the node was started with -nocookie: it has no cookie")
    case .file(let isDefault):
      do throws(Cookie.FileProblem) {
        if let cookieFile { return try cookieFile.get() }
      } catch {
        if isDefault, isMissing(error), let cookie = environmentCookie { return cookie }
        throw Cause(.cookieFile, error.sentence, remedy: error.remedy)
      }
      if isDefault, let cookie = environmentCookie { return cookie }
      throw Cause(
        .nodeHidden, "only the node's user \(user) may read its cookie",
        remedy: insightRemedy)
    }
  }

  private func isMissing(_ problem: Cookie.FileProblem) -> Bool {
    if case .unreadable(let error) = problem { return error.errno == .noSuchFile }
    return false
  }

  private var environmentCookie: Cookie? {
    (environment["RELEASE_COOKIE"] ?? environment["RELX_COOKIE"]).flatMap { Cookie($0) }
  }
}
