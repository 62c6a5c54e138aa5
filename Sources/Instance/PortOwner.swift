import Events
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

  /// Says which other program has the port of a run; nil if the run has it, or that cannot be known.
  /// - Parameter shim: the run's `relshim`. It is the parent of the run's orphans, so all processes of the run are its
  ///   descendants.
  public mutating func stranger(
    on port: UInt16, instead instance: InstanceName, below shim: ProcessIdentity
  ) -> String? {
    if isRun { return nil }
    let now = Clock.monotonic()
    if now < nextLookUp { return stranger }
    let holder = Self.holder(of: port, notBelow: shim)
    (isRun, nextLookUp) = (holder == nil, now + Self.pause)
    stranger = holder.map { "port \(port) is held by \($0), not by \(instance)" }
    return stranger
  }

  private static func holder(of port: UInt16, notBelow shim: ProcessIdentity) -> String? {
    guard shim.isAlive else { return nil }
    let own = [shim.pid] + ProcessTable.descendants(of: shim.pid).filter { !$0.hasEnded }.map(\.pid)
    // None is found if the port leads into another network.
    let all = Listener.all(inNetworkOf: Program.processID) ?? []
    var foreign = all.filter { $0.port == port && ($0.isWildcard || $0.isLoopback) }
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
    if let holder { return "pid \(holder) (\(ProcessTable.name(of: holder)))" }
    return "a process of the user \(User.name(of: listener.owner) ?? String(listener.owner))"
  }
}
