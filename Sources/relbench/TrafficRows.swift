import Glibc
import HomeLayout
import JSONText
import Posix

/// Requests through the router, to the sample application with two instances.
struct TrafficRows {
  let scratch: Scratch

  private static let rate = 1000

  /// What `load.py` prints.
  private struct Outcome: Decodable {
    var done: Int
    var losses: Int
    var p50: Double
    var p99: Double
  }

  func show() throws {
    let source = try scratch.sample("traffic")
    try Files.replace(source + "/app.json", with: Array(Self.appJSON.utf8))
    try scratch.run("relctl", "deploy", "greeter", source)
    try scratch.run("relctl", "scale", "greeter", "web=2")
    try showAdded()
    let quiet = try load(seconds: 10) { Clock.pause(milliseconds: 5000) }
    try showAgent(quiet)
    for (name, commands) in changes(source) {
      let outcome = try load(seconds: 25) {
        for words in commands { try run(words) }
      }
      Row.show(
        what: "requests lost: \(name)", ours: "\(outcome.losses) of \(outcome.done)",
        peer: "p99 \(outcome.p99.two) ms, quiet \(quiet.p99.two) ms",
        ratio: (outcome.p99 / quiet.p99).two, budget: "0; p99 ≤ 3 × quiet")
    }
    try scratch.run("relctl", "stop", "greeter")
  }

  private static let appJSON = """
    {"reltui": {"observe": 1}, "env": {"GREETER_GREETING": {"value": "Hello"}},
     "healthchecks": {"web": [{"type": "startup", "path": "/health"}]}}
    """

  private func changes(_ source: String) -> [(String, [[String]])] {
    [
      ("deploy", [["config", "greeter", "set", "VERSION=2"]]),
      ("restart", [["restart", "greeter"]]),
      ("rollback", [["rollback", "greeter", "--yes"]]),
      ("scale 2, 4, 1, 2", ["4", "1", "2"].map { ["scale", "greeter", "web=\($0)"] }),
      ("reload for a domain", [["domains", "greeter", "add", "greeter.example.com"]]),
    ]
  }

  private func run(_ words: [String]) throws {
    let result = try scratch.invocation("relctl", words).run(limit: 120_000)
    if !result.isSuccess {
      throw PosixError("run", words.joined(separator: " "), .invalid)
    }
  }

  private func load(seconds: Int, _ body: () throws -> Void) throws -> Outcome {
    let output = scratch.folder + "/load"
    let words = [
      "python3", try Files.resolve("Tests/Fixtures/traffic/load.py"), "\(try routerPort())",
      "greeter.localhost", "\(seconds)", "\(Self.rate)",
    ]
    let child = try Child.start(
      Invocation(words, environment: scratch.environment),
      output: .file(File.open(output, .replace)))
    try body()
    guard child.wait(until: Clock.monotonic() + 120_000) == .code(0) else {
      throw PosixError("run", "load.py", .timedOut)
    }
    return try JSON.decode(Outcome.self, from: try Files.read(output))
  }

  private var home: Home { Home(root: scratch.environment["RELTUI_HOME"] ?? "") }

  private func routerPort() throws -> UInt16 {
    let text = String(decoding: try Files.read(home.router.port), as: UTF8.self)
    guard let port = PortRecord(text: text)?.port else {
      throw PosixError("read", home.router.port, .invalid)
    }
    return port
  }

  /// A request with a connection of its own, to an instance and through the router, one after the other.
  private func showAdded() throws {
    let line = try scratch.run("relctl", "ps").text.split(separator: "\n").first {
      $0.contains(" web.1 ")
    }
    let words = line?.split(separator: " ") ?? []
    guard words.count > 5, let own = UInt16(words[5]) else {
      throw PosixError("find", "the port of web.1", .invalid)
    }
    let (router, host) = (try routerPort(), "greeter.localhost")
    let question = Array("GET /health HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n".utf8)
    var (ours, peer): ([Double], [Double]) = ([], [])
    for _ in 0..<1000 {
      peer.append(try Stopwatch.time { try ask(question, own) })
      ours.append(try Stopwatch.time { try ask(question, router) })
    }
    Row.show(
      what: "request through the router, p50", ours: "\(ours.median.two) ms",
      peer: "the port itself \(peer.median.two) ms",
      ratio: "+\((ours.median - peer.median).two) ms",
      budget: "+0.3 ms")
  }

  private func ask(_ question: [UInt8], _ port: UInt16) throws {
    _ = try Loopback.exchange(question, port: port, milliseconds: 5000)
  }

  /// The agent is not on a request's way.
  private func showAgent(_ quiet: Outcome) throws {
    let lines = String(decoding: try Files.read(home.agentLock), as: UTF8.self).split(
      separator: "\n")
    let words = lines.last?.split(separator: " ") ?? []
    guard words.count == 3, let agent = pid_t(words[1]) else {
      throw PosixError("find", "the agent", .invalid)
    }
    func used(_ busy: Bool) throws -> Double {
      let before = try Usage.nanoseconds(of: agent)
      if busy {
        _ = try load(seconds: 20) {}
      } else {
        Clock.pause(milliseconds: 20_000)
      }
      return Double(try Usage.nanoseconds(of: agent) - before) / 20_000_000
    }
    let (idle, busy) = (try used(false), try used(true))
    Row.show(
      what: "agent, CPU at \(Self.rate) requests/s", ours: "\(busy.two) ms/s",
      peer: "without requests \(idle.two) ms/s", ratio: "+\((busy - idle).two)",
      budget: "the same")
    Row.show(
      what: "requests/s, all kinds", ours: "\(quiet.done / 10)",
      peer: "p50 \(quiet.p50.two) ms, p99 \(quiet.p99.two) ms", budget: "–")
  }
}
