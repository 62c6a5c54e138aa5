import ErlangDistribution
import Posix

/// Many nodes watched at once, and the log of one that logs as fast as it can.
struct FleetRows {
  private let scratch: Scratch
  private let epmdPort: UInt16
  private let nodes: Int

  private static let connections = 200
  static let lines = 100_000
  /// Megabytes that a node with one scheduler takes.
  private static let nodeSize = 60

  init(_ scratch: Scratch) throws {
    self.scratch = scratch
    try scratch.makeCookie()
    epmdPort = try Loopback.freePort()
    // As many nodes as the machine has memory for, each with several of the connections.
    nodes = min(40, max(4, (HostLimits.memory?.available ?? 0) / (1 << 20) / (4 * Self.nodeSize)))
  }

  func show() throws {
    var children = [try scratch.startEPMD(epmdPort)]
    defer { for child in children.reversed() { child.end() } }
    for number in 0..<nodes { children.append(try .startSilent(node(number))) }
    let ports = try waitForPorts()
    let doors = (0..<Self.connections).map { index in
      let node = ports[index % ports.count]
      return "\(node.name)@127.0.0.1:\(node.port)"
    }
    let round = try tell([Member.round.rawValue] + doors)
    Row.show(
      what: "round over \(Self.connections) connections to \(nodes) nodes",
      ours: "\(round[1] / 1000) ms, p99 \(round[2] / 1000) ms",
      peer: "made in \(round[0] / 1000) ms")
    let fleet = try tell([Member.fleet.rawValue] + doors)
    Row.show(what: "watches begun: all nodes have told", ours: "\(fleet[0] / 1000) ms")
    Row.show(
      what: "\(Self.connections) watches for 10 s",
      ours: "CPU \((Double(fleet[1]) / 100_000).short) %, RSS \(fleet[2] >> 20) MB")
    let log = try tell([Member.log.rawValue, doors[0]])
    Row.show(
      what: "log of one node, \(Self.lines) lines at once",
      ours: "\(log[0] * 1_000_000 / max(1, log[2])) lines/s, \(log[1]) counted as lost")
  }

  private func tell(_ words: [String]) throws -> [Int64] {
    let text = try scratch.invocation("relbench", words).run(limit: 120_000).text
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
    guard numbers.count == 3 else { throw PosixError("run", "relbench \(words[0])", .invalid) }
    return numbers
  }

  private func waitForPorts() throws -> [EPMD.Node] {
    let limit = Clock.monotonic() + 120_000
    while Clock.monotonic() < limit {
      let known = (try? EPMD(port: epmdPort).nodes()) ?? []
      if known.count == nodes { return known }
      Clock.pause(milliseconds: 50)
    }
    throw PosixError("start", "\(nodes) nodes", .timedOut)
  }

  /// A node that, on request, logs a given number of lines at once.
  private func node(_ number: Int) -> Invocation {
    let flood =
      "register(flood,spawn(fun F()->receive N->[logger:notice(\"line ~p of many\",[I])"
      + "||I<-lists:seq(1,N)],F() end end))."
    return Invocation(
      ["erl", "-noinput", "+S", "1:1", "-name", "n\(number)@127.0.0.1", "-eval", flood],
      in: scratch.folder, environment: scratch.environment(epmd: epmdPort))
  }
}
