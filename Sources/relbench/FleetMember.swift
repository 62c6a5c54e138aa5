import ErlangDistribution
import ErlangTerm
import NodeModel
import NodeWatch
import Posix

/// The process that watches nodes, given as `name@host:port`; their cookie is that of HOME.
struct FleetMember {
  private var watches: [NodeMonitor]
  private let cookie: Cookie
  private let addresses: [NodeAddress]

  init(_ names: [String]) throws {
    let home = Environment.current["HOME"] ?? ""
    let cookie = try Cookie.read(file: home + "/.erlang.cookie")
    let addresses = try names.map { text in
      guard let (name, port) = ErlangDistribution.NodeName.parse(text), let port else {
        throw PosixError("watch", text, .invalid)
      }
      return NodeAddress(name: name, door: .port(port))
    }
    watches = addresses.enumerated().map { index, address in
      let report = NodeReport(id: "\(index)", name: "\(address.name)", origin: .given)
      return NodeMonitor(report, address: address, cookie: cookie)
    }
    (self.cookie, self.addresses) = (cookie, addresses)
  }

  /// Prints the microseconds until all nodes have answered, those of CPU in ten seconds, and the bytes of memory.
  mutating func watch() throws {
    let start = Clock.microseconds()
    for index in watches.indices { watches[index].parts = .vitals }
    try go { watches in watches.allSatisfy { $0.report.snapshot != nil } }
    let first = Clock.microseconds() - start
    let own = Program.processID
    let (before, end) = (try Usage.nanoseconds(of: own), Clock.monotonic() + 10_000)
    try go { _ in Clock.monotonic() >= end }
    let used = try (Usage.nanoseconds(of: own) - before) / 1000
    print(first, used, ProcessTable.stat(own)?.resident ?? 0)
  }

  /// Prints the microseconds until all connections are made, and the median of rounds in which each node is asked once.
  func round() throws {
    let start = Clock.microseconds()
    var connections = try addresses.map { address in
      try Connection(to: address, cookie: cookie)
    }
    try go(&connections) { $0.allSatisfy { $0.session != nil } }
    let made = Clock.microseconds() - start
    var took: [Double] = []
    for _ in 0..<20 {
      let start = Clock.microseconds()
      for index in connections.indices { _ = try connections[index].call(Vitals.call) }
      try go(&connections) { $0.allSatisfy { $0.session?.openCalls == 0 } }
      took.append(Double(Clock.microseconds() - start))
    }
    print(made, Int64(took.median), Int64(took.share(0.99)))
  }

  private func go(_ connections: inout [Connection], until isOver: ([Connection]) -> Bool) throws {
    while !isOver(connections) {
      let ready = try Poll.wait(connections.compactMap(\.interest), milliseconds: 1000)
      let found = Dictionary(ready.map { ($0.descriptor, $0) }) { $1 }
      for index in connections.indices {
        guard let own = connections[index].interest, let event = found[own.descriptor] else {
          continue
        }
        _ = try connections[index].advance(event)
      }
    }
  }

  /// Prints how many lines came, how many were counted as lost, and the microseconds until the last one.
  mutating func log() throws {
    watches[0].parts = [.log, .vitals]
    try go { $0[0].report.snapshot != nil }
    let settled = Clock.monotonic() + 500
    try go { _ in Clock.monotonic() >= settled }
    _ = watches[0].takeLog()
    let start = Clock.microseconds()
    try flood()
    var (came, lost) = (0, 0)
    try go { watches in
      if let part = watches[0].takeLog() {
        came += part.lines.count
        lost += part.lost
      }
      return came + lost >= FleetRows.lines
    }
    print(came, lost, Clock.microseconds() - start)
  }

  /// Makes the node log many lines, over a separate connection.
  private func flood() throws {
    guard let address = addresses.first else { return }
    var client = try Client(to: address, cookie: cookie)
    let message: [Term] = [.atom("flood"), .integer(FleetRows.lines)]
    _ = try client.call(RemoteCall("erlang", "send", message))
  }

  private mutating func go(until isOver: (inout [NodeMonitor]) -> Bool) throws {
    let limit = Clock.monotonic() + 60_000
    var due = [Int64](repeating: 0, count: watches.count)
    while !isOver(&watches) {
      let now = Clock.monotonic()
      if now > limit { throw PosixError("watch", "nodes", .timedOut) }
      let interests = watches.flatMap(\.interests)
      let next = due.min() ?? now
      let ready = try Poll.wait(interests, milliseconds: max(0, min(100, next - now)))
      let descriptors = Dictionary(ready.map { ($0.descriptor, $0) }) { $1 }
      let later = Clock.monotonic()
      for index in watches.indices {
        let own = watches[index].interests.compactMap { descriptors[$0.descriptor] }
        guard !own.isEmpty || due[index] <= later else { continue }
        _ = watches[index].advance(own, now: later)
        due[index] = watches[index].nextTick ?? .max
      }
    }
  }
}
