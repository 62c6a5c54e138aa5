import Diagnosis
import Events
import Posix
import ReleaseModel
import Synchronization
import TestSupport
import Testing

@testable import Instance

@Suite struct GateTests {
  @Test func gateFromAppJSON() throws {
    let cases: [(String, Gate)] = [
      (#"[{"type":"startup","path":"/health"}]"#, .http(HTTPCheck(path: "/health"))),
      (
        #"[{"path":"health","content":"fine"}]"#,
        .http(HTTPCheck(path: "/health", content: "fine"))
      ),
      (#"[{"type":"readiness","path":"/r"}]"#, .http(HTTPCheck(path: "/r"))),
      (#"[{"path":"/r","status":"200-399"}]"#, .http(HTTPCheck(path: "/r", status: 200...399))),
      (#"[{"path":"/r","status":401}]"#, .http(HTTPCheck(path: "/r", status: 401...401))),
      (
        #"[{"path":"/r","httpHeaders":[{"name":"HOST","value":"a.b"}]}]"#,
        .http(HTTPCheck(path: "/r", host: "a.b", headers: ["HOST": "a.b"]))
      ),
      (#"[{"type":"liveness","path":"/l"}]"#, .runtime),
      (#"[{"command":"true"}]"#, .runtime), (#"[{"type":"startup","name":"x"}]"#, .runtime),
      ("[]", .runtime),
    ]
    for (checks, gate) in cases {
      let app = try AppJSON(bytes: Array("{\"healthchecks\":{\"web\":\(checks)}}".utf8))
      #expect(
        Gate(app.readiness(of: "web")) == gate && Gate(app.readiness(of: "worker")) == .runtime)
    }
  }

  @Test(arguments: [#""200-""#, #""x""#, "99", #""399-200""#, #""1-2-3""#, "[]"])
  func badStatusIsRefused(_ status: String) {
    let text = #"{"healthchecks":{"web":[{"path":"/","status":\#(status)}]}}"#
    #expect(throws: Cause.self) { try AppJSON(bytes: Array(text.utf8)) }
  }

  /// What app.json says cannot add a line to the request.
  @Test func requestsAreWhole() {
    let check = HTTPCheck(
      path: "/a b\r\nX: y\u{7f}ü", host: "h\r\nEvil: 1",
      headers: ["user-agent": "me", "Bad\r\nName": "x", "X-A": "1\n2", "connection": "keep-alive"])
    #expect(
      String(decoding: check.request, as: UTF8.self) == """
        GET /a%20b%0D%0AX:%20y%7F%C3%BC HTTP/1.1\r
        Host: hEvil: 1\r
        Accept: */*\r
        Connection: close\r
        User-Agent: me\r
        X-A: 12\r
        X-Forwarded-Proto: https\r
        \r

        """)
  }
}

@Suite struct AnswerTests {
  struct Case: CustomTestStringConvertible {
    var text: String
    var code: Int?
    var body = ""
    var isOver = true
    var testDescription: String { text.debugDescription }
  }

  static let cases = [
    Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there", code: 200, body: "hi"),
    Case(text: "HTTP/1.1 200 OK\nContent-Length: 2\n\nh", code: 200, body: "h", isOver: false),
    Case(text: "HTTP/1.1 200\r\n\r\nany", code: 200, body: "any", isOver: false),
    Case(text: "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello", code: 204),
    Case(
      text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!", code: 200, body: "!"),
    Case(
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nall\r\n"
        + "b\r\n is so fine\r\n0\r\nT: x\r\n\r\n", code: 200, body: "all is so fine"),
    Case(
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", code: 200,
      body: "ok"),
    Case(
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", code: 200),
    Case(text: "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", code: 200),
    Case(text: "SSH-2.0-OpenSSH\r\n", code: nil),
    Case(text: "HTTP/1.1 999 x\r\n", code: nil),
  ]

  /// An answer is the same, whether it comes at once or byte by byte.
  @Test(arguments: cases, [1, 3, 10_000]) func isReadInParts(_ test: Case, _ size: Int) {
    var answer = HTTPAnswer()
    let bytes = Array(test.text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      answer.feed(Array(bytes[start..<min(start + size, bytes.count)]))
    }
    #expect(answer.code == test.code && answer.isOver == test.isOver)
    #expect(String(decoding: answer.body, as: UTF8.self) == test.body)
  }

  @Test func memoryIsBounded() {
    var long = HTTPAnswer()
    long.feed(Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
    for _ in 0..<100 where !long.isOver { long.feed([UInt8](repeating: 120, count: 10_000)) }
    #expect(long.isOver && long.body.count == HTTPAnswer.longestBody)
    var endless = HTTPAnswer()
    for _ in 0..<100 where !endless.isOver { endless.feed([UInt8](repeating: 120, count: 10_000)) }
    #expect(endless.isBroken)
  }
}

@Suite struct ProbeTests {
  static func verdict(
    _ content: String? = nil, port: UInt16, milliseconds: Int64 = 10_000
  ) throws -> HTTPProbe.Verdict {
    var probe = try HTTPProbe(
      HTTPCheck(path: "/health", content: content), port: port, milliseconds: milliseconds)
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
        .notReady(.status(503, "GET /health", line: "database down"))
      ),
      (
        nil, "HTTP/1.1 500 Internal Server Error\r\n\r\n",
        .notReady(.status(500, "GET /health", line: ""))
      ),
      (
        nil, "HTTP/1.1 302 Found\r\nLocation: https://x\r\n\r\n",
        .notReady(.redirect(302, "GET /health", to: "https://x"))
      ),
      (nil, "HTTP/1.1 302 Found\r\n\r\n", .notReady(.status(302, "GET /health", line: ""))),
      (nil, "HTTP/1.1 lots\r\n\r\n", .notReady(CheckAnswer("GET /health: the answer is not HTTP"))),
      (
        nil, "SSH-2.0-OpenSSH_9.2\r\n",
        .notReady(CheckAnswer("GET /health: the answer is not HTTP"))
      ),
      (nil, "", .notReady(CheckAnswer("GET /health: the answer is not HTTP"))),
      ("OK", "HTTP/1.1 200 Fine\r\n\r\nall OK here", .ready),
      (
        "OK", "HTTP/1.1 200 OK\r\nX: OK\r\n\r\nmaintenance",
        .notReady(CheckAnswer("GET /health answers 200 without 'OK'"))
      ),
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
    #expect(
      try Self.verdict(nil, port: garbage.port)
        == .notReady(CheckAnswer("GET /health: the answer is not HTTP")))
  }

  @Test func silentServersAreNotReady() throws {
    let silent = try LoopbackServer { _ in nil }
    #expect(
      try Self.verdict(nil, port: silent.port, milliseconds: 150)
        == .silent(CheckAnswer("GET /health gets no answer in 1 s", question: "GET /health")))
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
