import ConfigStore
import ErlangDistribution
import Events
import HomeLayout
import Instance
import NodeModel
import NodeWatch
import Posix
import Redaction

/// A known node, before it is asked anything.
public struct KnownNode: Sendable {
  public var name: String
  public var origin: NodeReport.Origin
  /// Its process, if it was found among those of this host.
  public var found: FoundNode?
  /// Its address and cookie, or the reason why they are unknown.
  public var access: Result<NodeAccess, Cause>

  init(name: String, origin: NodeReport.Origin, access: Result<NodeAccess, Cause>) {
    (self.name, self.origin, self.access) = (name, origin, access)
  }

  /// The report of a node that was not asked yet: idle, or down if its address or cookie is unknown.
  public var report: NodeReport {
    let report = NodeReport(id: id, name: name, origin: origin)
    guard case .failure(let cause) = access else { return report }
    return NodeReport(id: id, name: name, origin: origin, state: .down, cause: cause)
  }

  private var id: String {
    switch origin {
    case .run(let app, let instance, let run, _): "\(app)/\(instance)/\(run)"
    case .given: name
    case .found(let pid): "\(pid)"
    }
  }
}

/// A locator of nodes: it finds their addresses and cookies.
///
/// - The cookie comes from the first of: the file named on the command line; the run of the home with the node's
///   name; the BEAM of this host with that name; `$HOME/.erlang.cookie`.
/// - The port comes from the first of: the one typed with the name; the home's epmd for a run of the home; the BEAM of
///   this host with that name; the epmd at `ERL_EPMD_PORT`, else at the standard port.
public struct NodeLocator: Sendable {
  private let home: Home?
  private let board: Board
  private let environment: [String: String]
  /// The file with the cookie, if one was named.
  private let cookieFile: String?
  private let tls: TLSOptions?

  /// - Parameters:
  ///   - home: the home whose runs are known; nil for none.
  ///   - board: the home's board.
  public init(
    home: Home?, board: Board, environment: [String: String], cookieFile: String? = nil,
    tls: TLSOptions? = nil
  ) {
    (self.home, self.board, self.environment) = (home, board, environment)
    (self.cookieFile, self.tls) = (cookieFile, tls)
  }

  // MARK: - One node

  /// The node with a typed name: `name@host` or `name@host:port`.
  /// - Parameter beams: those of this host; nil to search for them.
  public func node(named text: String, among beams: [FoundNode]? = nil) throws(Cause) -> KnownNode {
    guard let (name, port) = ErlangDistribution.NodeName.parse(text) else {
      throw Cause(
        .nodeName, "'\(text)' is no node's name",
        remedy: "Write it as the node itself does, as in: greeter@127.0.0.1")
    }
    if let (app, run) = run(named: name) { return try node(of: run, app: app, port: port) }
    let found = try find(name, port: port, among: beams ?? Discovery.search())
    let address = try address(of: name, port: port, found)
    let cookie: Cookie
    if let cookieFile {
      cookie = try read(cookieFile)
    } else if let known = found?.cookie {
      cookie = known
    } else {
      cookie = try ownCookie(for: name)
    }
    var node = KnownNode(
      name: "\(name)", origin: .given, access: .success(NodeAccess(address, cookie)))
    node.found = found
    return node
  }

  /// The BEAM of this host with that name. In containers, and with several port mappers, several BEAMs may have
  /// it: then the typed port decides.
  private func find(
    _ name: ErlangDistribution.NodeName, port: UInt16?, among beams: [FoundNode]
  ) throws(Cause) -> FoundNode? {
    let named = beams.filter { $0.name == name && !$0.isRemoteShell }
    if let port { return named.first { $0.port == port } ?? named.first }
    guard hasOwnEPMD else { return named.first }
    let epmd = try standardPort()
    return named.first { $0.epmdPort == epmd }
  }

  private var hasOwnEPMD: Bool { environment["ERL_EPMD_PORT"]?.isEmpty == false }

  private func address(
    of name: ErlangDistribution.NodeName, port: UInt16?, _ found: FoundNode?
  ) throws(Cause) -> NodeAddress {
    var address = NodeAddress(name: name, door: .epmd(port: NodeAddress.epmdPort), tls: tls)
    if let known = found?.address(tls: found.flatMap(options)) {
      address = known
    } else if port == nil {
      address.door = .epmd(port: try standardPort())
    }
    if let port { address.door = .port(port) }
    return address
  }

  /// The TLS options of the node's own file, if it can be read.
  private func options(of found: FoundNode) -> TLSOptions? {
    if tls != nil || !found.isTLS { return tls }
    // Another user's process may name any file: our certificates are not sent to it.
    guard found.isOurs else { return TLSOptions() }
    return found.tlsFile.flatMap { try? TLSOptions(file: $0) } ?? TLSOptions()
  }

  /// The node of a run of the home.
  /// - Parameter port: the one it listens on, if that is known.
  public func node(of run: Board.Run, app: String, port: UInt16? = nil) throws(Cause) -> KnownNode {
    guard let home, let node = run.node, let name = ErlangDistribution.NodeName(node) else {
      throw Cause(
        .nodeName, "'\(run.instance)' of '\(app)' has no node: it is no OTP release",
        remedy: "See the nodes with: relctl node list")
    }
    let door: NodeAddress.Door
    if let port {
      door = .port(port)
    } else {
      door = .epmd(port: try EPMDKeeper(home: home).port(environment: environment))
    }
    let cookie = try read(cookieFile ?? home.app(app).cookie)
    return KnownNode(
      name: node,
      origin: .run(app: app, instance: run.instance, run: run.id, release: run.release),
      access: .success(NodeAccess(NodeAddress(name: name, door: door, tls: tls), cookie)))
  }

  func node(ofRun run: UInt64, app: String) throws(Cause) -> KnownNode {
    guard let run = board.apps[app]?.run(run) else {
      throw Cause(.runLost, "run \(run) of '\(app)' is over")
    }
    return try node(of: run, app: app)
  }

  // MARK: - All known nodes

  /// A redactor that masks values of the home's config vars in the answers of nodes.
  public var mask: Redactor { home.map { HomeMask(home: $0).current() } ?? Redactor() }

  /// Every node of this home's runs, then the others that were found on this host.
  public func all(found: [FoundNode]) -> [KnownNode] {
    let runs = board.apps.values.sorted { $0.name < $1.name }.flatMap { app in
      app.liveRuns.filter { $0.node != nil }.sorted { $0.instance < $1.instance }
        .map { node(orCause: $0, app: app.name) }
    }
    let own = Set(runs.map(\.name))
    let others = found.filter { !$0.isRemoteShell && !own.contains($0.name?.description ?? "") }
    return runs + others.map(node)
  }

  private func node(_ found: FoundNode) -> KnownNode {
    var node = KnownNode(
      name: found.name?.description ?? "nonode@nohost", origin: .found(pid: found.pid),
      access: access(of: found))
    node.found = found
    return node
  }

  /// The named cookie file is used only if the node's own cookie is unknown: a wrong cookie leaves a report in the
  /// node's log.
  private func access(of found: FoundNode) -> Result<NodeAccess, Cause> {
    guard let address = found.address(tls: options(of: found)) else {
      return .failure(
        found.cause ?? Cause(.nodeHidden, "where the node listens cannot be told from outside"))
    }
    if let cookie = found.cookie { return .success(NodeAccess(address, cookie)) }
    do throws(Cause) {
      guard let cookieFile else {
        throw found.cause ?? Cause(.cookieFile, "the cookie of '\(address.name)' is not known")
      }
      return .success(NodeAccess(address, try read(cookieFile)))
    } catch { return .failure(error) }
  }

  private func node(orCause run: Board.Run, app: String) -> KnownNode {
    do throws(Cause) { return try node(of: run, app: app) } catch {
      return KnownNode(
        name: run.node ?? "",
        origin: .run(app: app, instance: run.instance, run: run.id, release: run.release),
        access: .failure(error))
    }
  }

  private func run(named name: ErlangDistribution.NodeName) -> (app: String, run: Board.Run)? {
    for app in board.apps.values {
      if let run = app.liveRuns.last(where: { $0.node == "\(name)" }) { return (app.name, run) }
    }
    return nil
  }

  private func standardPort() throws(Cause) -> UInt16 {
    guard let text = environment["ERL_EPMD_PORT"], !text.isEmpty else {
      return NodeAddress.epmdPort
    }
    guard let port = UInt16(text), port > 0 else {
      throw Cause(
        .usage, "ERL_EPMD_PORT is '\(text)', which is no port",
        remedy: "Give it a number from 1 to 65535, or unset it.")
    }
    return port
  }

  /// The cookie of our own user, as the runtime system finds it.
  private func ownCookie(for name: ErlangDistribution.NodeName) throws(Cause) -> Cookie {
    let path = environment["HOME"].map { $0 + "/.erlang.cookie" }
    guard let path, Files.exists(path) else {
      throw Cause(
        .cookieFile,
        "no cookie is known for '\(name)'"
          + (path.map { ": it is no node of ours, and there is no '\($0)'" } ?? ""),
        remedy: "Name the file that holds the node's cookie: --cookie-file FILE")
    }
    return try read(path)
  }

  private func read(_ path: String) throws(Cause) -> Cookie {
    do throws(Cookie.FileProblem) { return try Cookie.read(file: path) } catch {
      throw Cause(error)
    }
  }
}
