import Events
import JSONText
import Posix
import TestSupport
import Testing

/// Requests through the real HAProxy, while what serves them changes.
@Suite(.waitsForPrograms) struct TrafficTests {
  let stage: Stage

  /// What became of the requests, as `load.py` prints it.
  struct Outcome: Decodable {
    var done: Int
    var losses: Int
    var lost: [String]
    var p99: Double
  }

  init() throws {
    stage = try Stage("traffic", router: true)
    try deployVersion(1)
    try #require(try stage.relctl("scale", "shop", "web=2").exit == .code(0))
  }

  private func deployVersion(_ number: Int) throws {
    let slug = try stage.writeTrafficSlug("slug-\(number)", version: number)
    let answer = try stage.relctl("deploy", "shop", slug)
    try #require(answer.exit == .code(0), "\(answer.errors)")
  }

  /// The sample application, as its own build made it.
  private func deployGreeter(_ app: String, _ number: Int, observe: Int = 1) throws {
    let folder = "\(app)-\(number)"
    try FileTree.copy(
      try Greeter.slug.get(), to: stage.folder.path + "/" + folder, skipping: { $0 == ".reltui" })
    try stage.folder.write(folder + "/version", "\(number)")
    try stage.folder.write(
      folder + "/app.json",
      #"""
      {"reltui": {"observe": \#(observe)}, "env": {"GREETER_GREETING": {"value": "Hello"}},
       "healthchecks": {"web": [{"type": "startup", "path": "/health"}]}}
      """#)
    let answer = try stage.relctl("deploy", app, stage.folder.path + "/" + folder)
    try #require(answer.exit == .code(0), "\(answer.errors)")
  }

  private func port() throws -> UInt16 {
    let bytes = try Files.read(stage.home.router.port)
    let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").last ?? ""
    return try #require(UInt16(line.dropFirst(5)))
  }

  /// The answer to a request with these lines of a head.
  private func ask(_ lines: String...) throws -> String {
    let request = lines.joined(separator: "\r\n") + "\r\nConnection: close\r\n\r\n"
    return String(
      decoding: try Loopback.exchange(Array(request.utf8), port: try port(), milliseconds: 5000),
      as: UTF8.self)
  }

  private func underLoad(
    _ app: String, _ seconds: Int, _ changes: () throws -> Void
  ) throws -> Outcome {
    let script = Workspace.root + "/Tests/Fixtures/traffic/load.py"
    let output = try File.open(stage.folder.path + "/load", .replace)
    let child = try Child.start(
      Invocation(
        ["/usr/bin/python3", script, "\(try port())", "\(app).localhost", "\(seconds)", "200"],
        environment: ["PATH": Invocation.standardPath]), output: .file(output))
    try changes()
    #expect(child.wait(until: Clock.monotonic() + 60_000) == .code(0))
    return try JSON.decode(Outcome.self, from: try Files.read(stage.folder.path + "/load"))
  }

  /// Releases, restarts, scales, config vars, domains and another app come and go, and the agent is killed.
  @Test func noRequestIsLost() throws {
    try deployGreeter("greeter", 1)
    try stage.does("scale", "greeter", "web=2")
    let outcome = try underLoad("greeter", 60) {
      try deployGreeter("greeter", 2)
      let restart = try stage.relctl("restart", "greeter")
      #expect(restart.output.contains(") takes requests"), "\(restart.output)")
      try stage.does("scale", "greeter", "web=4")
      try stage.killAgent()
      try stage.does("scale", "greeter", "web=1")
      try stage.does("scale", "greeter", "web=2")
      try stage.does("config", "greeter", "set", "GREETER_GREETING=Hi")
      try stage.does("domains", "greeter", "add", "greeter.example.com")
      try stage.does("deploy", "other", stage.folder.path + "/slug-1")
      try stage.does("rollback", "greeter", "--yes")
    }
    #expect(outcome.losses == 0, "\(outcome.lost)")
    #expect(outcome.done > 3000)
  }

  /// A release that crashes while it is observed is reverted; only the requests within it are lost.
  @Test func aRevertLosesOnlyWhatWasInside() throws {
    try deployGreeter("greeter", 1, observe: 8)
    try #require(try stage.relctl("scale", "greeter", "web=2").exit == .code(0))
    let outcome = try underLoad("greeter", 20) {
      let change = try stage.relctl("config", "greeter", "set", "GREETER_CRASH_AFTER_MS=3000")
      #expect(change.exit == .code(1) && change.output.contains("revert"), "\(change.output)")
    }
    // Two instances crashed, each with ten slow requests and a few of the others at the most.
    #expect(outcome.losses <= 40, "\(outcome.lost)")
    #expect(outcome.done > 2000)
  }

  /// Of an instance that is killed, only the requests within it are lost.
  @Test func aKilledInstanceTakesNoOtherRequests() throws {
    let outcome = try underLoad("shop", 8) {
      let pid = try #require(try stage.ready().first?.pid)
      ProcessIdentity(of: pid)?.signal(.kill)
      #expect(try eventually(10_000) { try stage.ready().count == 2 })
    }
    // Ten slow requests and eighty connections at most were within it.
    #expect(outcome.losses <= 20, "\(outcome.lost)")
    #expect(outcome.done > 1000)
  }

  /// HAProxy is started again, and requests wait for it.
  @Test func haproxyMayBeKilled() throws {
    let status = String(decoding: try Files.read(stage.home.router.status), as: UTF8.self)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("haproxy ") })
    let pid = try #require(Int32(line.split(separator: " ")[2]))
    ProcessIdentity(of: pid)?.signal(.kill)
    #expect(try ask("GET / HTTP/1.1", "Host: shop.localhost").hasPrefix("HTTP/1.1 200"))
    // Its parent is missed by the agent, which starts another on the same port.
    let (before, keeper) = (try port(), try #require(Int32(status.split(separator: " ")[2])))
    ProcessIdentity(of: keeper)?.signal(.kill)
    #expect(
      eventually {
        (try? ask("GET / HTTP/1.1", "Host: shop.localhost"))?.hasPrefix("HTTP/1.1 200") == true
          && ProcessIdentity(of: keeper)?.isAlive != true
      })
    #expect(try port() == before)
    // A damaged status is written again, and the router does what it is told.
    try Files.replace(stage.home.router.status, with: Array("garbage".utf8))
    #expect(try stage.relctl("restart", "shop").exit == .code(0))
    #expect(try ask("GET / HTTP/1.1", "Host: shop.localhost").hasPrefix("HTTP/1.1 200"))
    // The former HAProxy has left.
    let arguments = stage.home.router.arguments
    #expect(eventually { ProcessTable.processes(withArguments: arguments).count == 1 })
  }

  @Test func whatIsNotServed() throws {
    #expect(try ask("GET / HTTP/1.1", "Host: unknown.localhost").hasPrefix("HTTP/1.1 404"))
    #expect(try ask("GET / HTTP/1.1", "Host: Shop.localhost:99").hasPrefix("HTTP/1.1 200"))
    #expect(
      try ask("GET / HTTP/1.1", "Host: shop.localhost", "Host: other.localhost")
        .hasPrefix("HTTP/1.1 400"))
    let seen = try ask(
      "GET /headers HTTP/1.1", "Host: shop.localhost", "X-Forwarded-For: 6.6.6.6",
      "X-Forwarded-Proto: https")
    #expect(seen.lowercased().contains("x-forwarded-for: 127.0.0.1\r\n"))
    #expect(seen.lowercased().contains("x-forwarded-proto: http\r\n"))
    #expect(!seen.contains("6.6.6.6"))
    // Maintenance survives a new agent, and what the operator typed is answered as it is.
    let words = #"back "soon" for $5 %[src]"#
    #expect(try stage.relctl("maintenance", "shop", "on", "--message", words).exit == .code(0))
    func isInMaintenance() throws -> Bool {
      let answer = try ask("GET / HTTP/1.1", "Host: shop.localhost")
      return answer.hasPrefix("HTTP/1.1 503") && answer.contains("\r\n\r\n" + words + "\n")
    }
    #expect(try eventually { try isInMaintenance() })
    #expect(try stage.relctl("ps").output.contains("shop is under maintenance"))
    try stage.killAgent()
    #expect(try stage.relctl("restart", "shop").exit == .code(0))
    #expect(try isInMaintenance())
    #expect(try stage.relctl("maintenance", "shop", "off").exit == .code(0))
    #expect(
      try eventually {
        try ask("GET / HTTP/1.1", "Host: shop.localhost").hasPrefix("HTTP/1.1 200")
      })
    #expect(try stage.relctl("stop", "shop").exit == .code(0))
    let stopped = try ask("GET / HTTP/1.1", "Host: shop.localhost")
    #expect(stopped.hasPrefix("HTTP/1.1 503") && stopped.lowercased().contains("retry-after: 5"))
  }
}
