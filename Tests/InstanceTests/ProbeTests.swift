import Instance
import Posix
import ReleaseModel
import Synchronization
import TestSupport
import Testing

@Suite struct GateTests {
  @Test func fromAppJSON() throws {
    let cases: [(String, Gate)] = [
      (#"[{"type":"startup","path":"/health"}]"#, .http(path: "/health", content: nil)),
      (#"[{"path":"health","content":"fine"}]"#, .http(path: "/health", content: "fine")),
      (#"[{"type":"readiness","path":"/r"}]"#, .http(path: "/r", content: nil)),
      (#"[{"type":"liveness","path":"/l"}]"#, .runtime),
      (#"[{"type":"startup","name":"x"}]"#, .runtime),
      ("[]", .runtime),
    ]
    for (checks, gate) in cases {
      let app = try AppJSON(bytes: Array("{\"healthchecks\":{\"web\":\(checks)}}".utf8))
      #expect(
        Gate(app.readiness(of: "web")) == gate && Gate(app.readiness(of: "worker")) == .runtime)
    }
  }
}

@Suite struct ProbeTests {
  static func verdict(
    _ gate: Gate, port: UInt16? = nil, milliseconds: Int64 = 10_000, status: String = "true"
  ) throws -> Probe.Verdict {
    let shell = Invocation(["/bin/sh", "-c", status], environment: ["PATH": "/usr/bin:/bin"])
    var probe = try Probe(gate, port: port, milliseconds: milliseconds, status: shell)
    while true {
      let left = max(1, probe.deadline - Clock.monotonic())
      let ready = try Poll.wait([probe.descriptor], milliseconds: left)
      if let verdict = probe.advance(isReadable: !ready.isEmpty) { return verdict }
    }
  }

  static let plain = Gate.http(path: "/health", content: nil)

  @Test func answersOfAServer() throws {
    let exact = Gate.http(path: "/health", content: "OK")
    let cases: [(Gate, String, Probe.Verdict)] = [
      (Self.plain, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", .ready),
      (Self.plain, "HTTP/1.0 204\r\n\r\n", .ready),
      (
        Self.plain, "HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\ndatabase down\nsince noon",
        .notReady("503: database down")
      ),
      (Self.plain, "HTTP/1.1 500 Internal Server Error\r\n\r\n", .notReady("500")),
      (Self.plain, "HTTP/1.1 302 Found\r\nLocation: https://x\r\n\r\n", .notReady("302")),
      (Self.plain, "HTTP/1.1 lots\r\n\r\n", .notReady("the answer is not HTTP")),
      (Self.plain, "SSH-2.0-OpenSSH_9.2\r\n", .notReady("the answer is not HTTP")),
      (Self.plain, "", .notReady("the answer is not HTTP")),
      (exact, "HTTP/1.1 200 Fine\r\n\r\nall OK here", .ready),
      (exact, "HTTP/1.1 200 OK\r\nX: OK\r\n\r\nmaintenance", .notReady("200, without 'OK'")),
    ]
    let answer = Mutex("")
    let requests = Mutex<[String]>([])
    let server = try LoopbackServer { request in
      requests.withLock { $0.append(String(decoding: request, as: UTF8.self)) }
      return Array(answer.withLock { $0 }.utf8)
    }
    for (gate, text, verdict) in cases {
      answer.withLock { $0 = text }
      #expect(try Self.verdict(gate, port: server.port) == verdict, "\(text)")
    }
    let request = try #require(requests.withLock { $0 }.first)
    #expect(request.hasPrefix("GET /health HTTP/1.1\r\nHost: localhost\r\n"))
    #expect(request.hasSuffix("\r\n\r\n"))
  }

  @Test func bytesThatAreNoText() throws {
    let garbage = try LoopbackServer { _ in
      (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 167) }
    }
    #expect(try Self.verdict(Self.plain, port: garbage.port) == .notReady("the answer is not HTTP"))
  }

  @Test func whoDoesNotAnswer() throws {
    let silent = try LoopbackServer { _ in nil }
    #expect(
      try Self.verdict(Self.plain, port: silent.port, milliseconds: 150)
        == .notReady("no answer in time"))
    let refused = try Loopback.freePort()
    #expect(throws: PosixError("connect to", "127.0.0.1:\(refused)", .refused)) {
      try Self.verdict(Self.plain, port: refused)
    }
    // It hangs, and its queue is full: whoever probes must not hang with it.
    let full = try LoopbackServer()
    var waiting: [File] = []
    while let next = try? Loopback.connect(full.port, milliseconds: 20) { waiting.append(next) }
    let start = Clock.monotonic()
    #expect(throws: PosixError("connect to", "127.0.0.1:\(full.port)", .timedOut)) {
      try Self.verdict(Self.plain, port: full.port)
    }
    #expect(Clock.monotonic() - start < 5000)
    withExtendedLifetime((waiting, full)) {}
  }

  @Test func whatTheRuntimeSaysOfItself() throws {
    let cases: [(String, Probe.Verdict)] = [
      ("echo '{started, started}'", .ready),
      ("echo started", .notReady("started")),
      ("echo '{starting, [demo]}'; echo started", .notReady("started")),
      ("echo 'no node' >&2; exit 1", .notReady("no node")),
      ("true", .notReady("the runtime does not answer")),
    ]
    for (script, verdict) in cases {
      #expect(try Self.verdict(.runtime, status: script) == verdict, "\(script)")
    }
    let start = Clock.monotonic()
    #expect(
      try Self.verdict(.runtime, milliseconds: 150, status: "exec sleep 60")
        == .notReady("no answer in time"))
    #expect(Clock.monotonic() - start < 20_000)
  }
}
