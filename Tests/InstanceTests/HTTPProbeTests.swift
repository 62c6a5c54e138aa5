import Instance
import Posix
import ReleaseModel
import Synchronization
import TestSupport
import Testing

@Suite struct GateTests {
  @Test func gateFromAppJSON() throws {
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
    _ content: String? = nil, port: UInt16, milliseconds: Int64 = 10_000
  ) throws -> HTTPProbe.Verdict {
    var probe = try HTTPProbe(
      path: "/health", content: content, port: port, milliseconds: milliseconds)
    while true {
      let left = max(1, probe.deadline - Clock.monotonic())
      let ready = try Poll.wait([probe.descriptor], milliseconds: left)
      if let verdict = probe.advance(isReadable: !ready.isEmpty) { return verdict }
    }
  }

  @Test func verdictsForAnswers() throws {
    let cases: [(String?, String, HTTPProbe.Verdict)] = [
      (nil, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", .ready),
      (nil, "HTTP/1.0 204\r\n\r\n", .ready),
      (
        nil, "HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\ndatabase down\nsince noon",
        .notReady("503: database down")
      ),
      (nil, "HTTP/1.1 500 Internal Server Error\r\n\r\n", .notReady("500")),
      (nil, "HTTP/1.1 302 Found\r\nLocation: https://x\r\n\r\n", .notReady("302")),
      (nil, "HTTP/1.1 lots\r\n\r\n", .notReady("the answer is not HTTP")),
      (nil, "SSH-2.0-OpenSSH_9.2\r\n", .notReady("the answer is not HTTP")),
      (nil, "", .notReady("the answer is not HTTP")),
      ("OK", "HTTP/1.1 200 Fine\r\n\r\nall OK here", .ready),
      ("OK", "HTTP/1.1 200 OK\r\nX: OK\r\n\r\nmaintenance", .notReady("200, without 'OK'")),
    ]
    let answer = Mutex("")
    let requests = Mutex<[String]>([])
    let server = try LoopbackServer { request in
      requests.withLock { $0.append(String(decoding: request, as: UTF8.self)) }
      return Array(answer.withLock { $0 }.utf8)
    }
    for (content, text, verdict) in cases {
      answer.withLock { $0 = text }
      #expect(try Self.verdict(content, port: server.port) == verdict, "\(text)")
    }
    let request = try #require(requests.withLock { $0 }.first)
    #expect(request.hasPrefix("GET /health HTTP/1.1\r\nHost: localhost\r\n"))
    #expect(request.hasSuffix("\r\n\r\n"))
  }

  @Test func answersThatAreNotText() throws {
    let garbage = try LoopbackServer { _ in
      (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 167) }
    }
    #expect(try Self.verdict(nil, port: garbage.port) == .notReady("the answer is not HTTP"))
  }

  @Test func silentServersAreNotReady() throws {
    let silent = try LoopbackServer { _ in nil }
    #expect(
      try Self.verdict(nil, port: silent.port, milliseconds: 150)
        == .notReady("no answer in time"))
    let refused = try Loopback.freePort()
    #expect(throws: PosixError("connect to", "127.0.0.1:\(refused)", .refused)) {
      try Self.verdict(nil, port: refused)
    }
    // The server hangs and its queue is full; the probe must not hang with it.
    let full = try LoopbackServer()
    var waiting: [File] = []
    while let next = try? Loopback.connect(full.port, milliseconds: 20) { waiting.append(next) }
    let start = Clock.monotonic()
    #expect(throws: PosixError("connect to", "127.0.0.1:\(full.port)", .timedOut)) {
      try Self.verdict(nil, port: full.port)
    }
    #expect(Clock.monotonic() - start < 5000)
    withExtendedLifetime((waiting, full)) {}
  }
}
