import ErlangDistribution
import EventLog
import Glibc
import Posix

/// The work of this program when it runs as one of the measured processes.
enum Member: String {
  /// FOLDER APPENDS LINES START: appends in a closed loop.
  case write = "--write"
  /// FOLDER EVENTS START: an event a millisecond, with the moment just before it.
  case pulse = "--pulse"
  /// FOLDER EVENTS: prints that it waits, then reads the events of `pulse` and prints how long each took to arrive.
  case follow = "--follow"
  /// PROGRAM …: runs it and prints its greatest memory, in bytes.
  case memory = "--memory"
  /// PORT NODE CALLS START: calls a node's function in a closed loop; the cookie is that of HOME.
  case call = "--call"

  /// NAME@HOST:PORT …: watches these nodes for ten seconds.
  case fleet = "--fleet"
  /// NAME@HOST:PORT …: asks all of them at once, again and again.
  case round = "--round"
  /// NAME@HOST:PORT: takes the log of a node that logs much at once.
  case log = "--log"

  func run(_ words: [String]) throws {
    switch self {
    case .fleet:
      var member = try FleetMember(words)
      try member.watch()
    case .round: try FleetMember(words).round()
    case .log:
      var member = try FleetMember(words)
      try member.log()
    case .write:
      try Self.write(DurableLog(folder: words[0]), number(words[1]), number(words[2]), words[3])
    case .pulse: try Self.pulse(DurableLog(folder: words[0]), number(words[1]), words[2])
    case .follow: try Self.follow(DurableLog(folder: words[0]), number(words[1]))
    case .memory: try Self.memory(words)
    case .call: try Self.call(UInt16(words[0]) ?? 0, words[1], number(words[2]), words[3])
    }
  }

  private func number(_ word: String) -> Int { Int(word) ?? 0 }

  /// Makes a line of 330 bytes. Its data is made once, as the peer's line is.
  static func event() -> NewEvent {
    NewEvent(
      source: "bench.example.org/relctl", type: "instance.booting", subject: "greeter", data: data)
  }

  static let lineLength = 330
  private static let data = Array(
    (#"{"instance":"web.1","run":421871,"pid":471123,"by":"ana","line":""#
      + String(repeating: "x", count: 33) + #""}"#).utf8)

  private static func write(_ log: DurableLog, _ appends: Int, _ lines: Int, _ start: String) throws
  {
    try loop(appends, start) { try log.append((0..<lines).map { _ in event() }) }
  }

  /// Does work again and again from a moment on, and prints the times that `Crew` reads.
  private static func loop(_ count: Int, _ start: String, _ work: () throws -> Void) throws {
    var took: [Int64] = []
    took.reserveCapacity(count)
    Stopwatch.wait(until: Int64(start) ?? 0)
    let began = Stopwatch.now()
    var before = began
    for _ in 0..<count {
      try work()
      let after = Stopwatch.now()
      took.append(after - before)
      before = after
    }
    tell([began, before] + took)
  }

  private static func pulse(_ log: DurableLog, _ events: Int, _ start: String) throws {
    let start = Int64(start) ?? 0
    for number in 0..<events {
      Stopwatch.wait(until: start + Int64(number) * 1_000_000)
      let data = Array(#"{"at":\#(Stopwatch.now())}"#.utf8)
      try log.append(
        NewEvent(source: "bench/pulse", type: "instance.booting", subject: "greeter", data: data))
    }
  }

  private static func follow(_ log: DurableLog, _ events: Int) throws {
    var (reader, watch) = (Reader(log), Watch(log))
    while !(try reader.next().isEmpty) {}
    print("waiting")
    fflush(nil)
    var took: [Int64] = []
    while took.count < events {
      _ = try Poll.wait([watch.descriptor].compactMap { $0 }, milliseconds: nil)
      guard watch.hasChanged() else { continue }
      while true {
        let lines = try reader.next()
        if lines.isEmpty { break }
        let now = Stopwatch.now()
        took += lines.compactMap(moment).map { now - $0 }
      }
    }
    tell(took)
  }

  private static func moment(of line: Line) -> Int64? {
    let text = String(decoding: line.bytes, as: UTF8.self)
    guard let name = text.firstRange(of: #""at":"#) else { return nil }
    return Int64(text[name.upperBound...].prefix { $0.isNumber })
  }

  private static func memory(_ words: [String]) throws {
    let invocation = Invocation(words, environment: Environment.current)
    let child = try Child.start(invocation, output: .null)
    guard child.wait() == .code(0) else { throw PosixError("run", words.first ?? "", .invalid) }
    tell([Usage.mostMemoryOfChildren])
  }

  private static func call(_ port: UInt16, _ name: String, _ calls: Int, _ start: String) throws {
    let home = Environment.current["HOME"] ?? ""
    guard let node = NodeName(name) else { throw PosixError("call", name, .invalid) }
    var client = try Client(
      to: NodeAddress(name: node, door: .port(port)),
      cookie: try Cookie.read(file: home + "/.erlang.cookie"))
    try loop(calls, start) {
      guard try client.call(RemoteCall("erlang", "node")) == .returned(.atom(name)) else {
        throw PosixError("call", name, .invalid)
      }
    }
  }

  private static func tell(_ numbers: [Int64]) {
    print(numbers.map(String.init).joined(separator: " "))
  }
}
