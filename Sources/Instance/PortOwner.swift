import Posix

/// Whether what listens on a run's port belongs to the run. Any other program of the host may listen there first, and
/// answer the run's check.
///
/// The port's owner is looked up once. As long as connections are made and answered, it stays the same.
public struct PortOwner: Sendable {
  private var isRun = false
  private var stranger: String?
  private var nextLookUp: Int64 = 0

  /// Milliseconds between two searches for another program that holds the port.
  private static let pause: Int64 = 1000

  public init() {}

  /// Which other program has the port of a run, such as `pid 812 (nginx)`; nil if the run has it, or that cannot be known.
  /// - Parameter shim: the run's `relshim`. It is the parent of the run's orphans, so all processes of the run are its
  ///   descendants.
  public mutating func stranger(
    on port: UInt16, below shim: ProcessIdentity
  ) -> String? {
    if isRun { return nil }
    let now = Clock.monotonic()
    if now < nextLookUp { return stranger }
    stranger = Self.holder(of: port, notBelow: shim)
    (isRun, nextLookUp) = (stranger == nil, now + Self.pause)
    return stranger
  }

  /// The program that listens on a port of this host, such as `pid 812 (nginx)`; nil if none does.
  public static func holder(of port: UInt16) -> String? { listeners(on: port).first.map(name) }

  private static func listeners(on port: UInt16) -> [Listener] {
    // None is found if the port leads into another network.
    let all = Listener.all(inNetworkOf: Program.processID) ?? []
    return all.filter { $0.port == port && ($0.isWildcard || $0.isLoopback) }
  }

  private static func processes(below shim: ProcessIdentity) -> [Int32] {
    guard shim.isAlive else { return [] }
    return [shim.pid]
      + ProcessTable.descendants(of: shim.pid).filter { !$0.hasEnded }.map(\.pid)
  }

  /// Where the processes of a run listen, such as `127.0.0.1:4000`. Ports that the system chose are left out: nodes
  /// listen for each other on such a port.
  public static func listening(below shim: ProcessIdentity) -> [String] {
    let sockets = processes(below: shim).reduce(into: Set<UInt64>()) { found, process in
      found.formUnion(ProcessTable.sockets(of: process) ?? [])
    }
    let text = (try? Files.read("/proc/sys/net/ipv4/ip_local_port_range", limit: 100)) ?? []
    let range = String(decoding: text, as: UTF8.self).split { $0.isWhitespace }.compactMap {
      UInt16($0)
    }
    let all = Listener.all(inNetworkOf: Program.processID) ?? []
    return all.filter { listener in
      sockets.contains(listener.inode)
        && !(range.count == 2 && range[0] <= listener.port && listener.port <= range[1])
    }.map { ($0.address.contains(":") ? "[\($0.address)]" : $0.address) + ":\($0.port)" }.sorted()
  }

  private static func holder(of port: UInt16, notBelow shim: ProcessIdentity) -> String? {
    let own = processes(below: shim)
    if own.isEmpty { return nil }
    var foreign = listeners(on: port)
    var hidden: [Int32] = []
    for process in own where !foreign.isEmpty {
      guard let sockets = ProcessTable.sockets(of: process) else {
        hidden.append(process)
        continue
      }
      foreign.removeAll { sockets.contains($0.inode) }
    }
    // A program with more rights than its user hides its sockets from that user. It listens as one of these users.
    let users = hidden.map { ProcessTable.user(of: $0) }
    guard let listener = foreign.first(where: { !users.contains($0.owner) }), !users.contains(nil)
    else { return nil }
    return name(of: listener)
  }

  private static func name(of listener: Listener) -> String {
    let holder = ProcessTable.pids().first {
      ProcessTable.sockets(of: $0)?.contains(listener.inode) == true
    }
    if let holder {
      return
        "pid \(holder) (\(ProcessTable.name(of: holder))\(run(of: holder).map { ", \($0)" } ?? ""))"
    }
    return "a process of the user \(User.name(of: listener.owner) ?? String(listener.owner))"
  }

  /// The run of reltui's that a process belongs to: `billing/web.1`.
  private static func run(of process: Int32) -> String? {
    let environment = ProcessTable.environment(of: process)
    func value(_ name: String) -> Substring? {
      environment.first { $0.hasPrefix(name + "=") }?.dropFirst(name.utf8.count + 1)
    }
    guard let app = value("RELTUI_APP"), let instance = value("RELTUI_INSTANCE") else { return nil }
    return "\(app)/\(instance)"
  }
}
