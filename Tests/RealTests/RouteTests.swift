import Events
import HomeLayout
import Posix
import TestSupport
import Testing

/// Names, paths and headers through the real HAProxy.
@Suite(.waitsForPrograms) struct RouteTests {
  let stage: Stage

  init() throws {
    stage = try Stage("route", router: true)
    let slug = try stage.writeTrafficSlug()
    for app in ["shop", "api"] { try stage.does("deploy", app, slug) }
    try stage.does("domains", "shop", "add", "example.com")
    try stage.does("domains", "shop", "add", "*.example.org")
    try stage.does("domains", "api", "add", "example.com/api", "--share")
    try stage.does("domains", "api", "add", "b.example.org", "--share")
    try stage.does("domains", "api", "add", "prefix.example/a.b")
  }

  private func exchange(_ bytes: String, _ port: UInt16? = nil) throws -> String {
    let own = PortRecord(
      text: String(decoding: try Files.read(stage.home.router.port), as: UTF8.self))
    let place = try #require(port ?? own?.port)
    let answer = try Loopback.exchange(Array(bytes.utf8), port: place, milliseconds: 20_000)
    return String(decoding: answer, as: UTF8.self)
  }

  private func get(_ host: String, _ path: String, _ port: UInt16? = nil) throws -> String {
    try exchange("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n", port)
  }

  /// The process that answered, by its app; or the status.
  private func seen(_ answer: String, _ pids: [String: Int32]) -> String {
    let status = answer.split(separator: " ").dropFirst().first.map(String.init) ?? "nothing"
    guard status == "200", let body = answer.components(after: "\r\n\r\n") else { return status }
    let pid = body.split(separator: " ").dropFirst().first.flatMap { Int32($0) }
    return pids.first { $0.value == pid }?.key ?? "another"
  }

  private func pids() throws -> [String: Int32] {
    let apps = try stage.ready()
    return Dictionary(apps.compactMap { run in run.pid.map { (run.app, $0) } }) { $1 }
  }

  /// Which app has a request: as HAProxy decides it, and as `router why` says.
  @Test func eachRequestHasItsApp() throws {
    let rows = [
      ("shop.localhost", "/", "shop"), ("SHOP.localhost.:80", "/", "shop"),
      ("example.com", "/", "shop"), ("Example.COM:8080", "/x", "shop"),
      ("example.com", "/api", "api"),
      ("example.com", "/api/", "api"), ("example.com", "/api/x?/../y", "api"),
      ("example.com", "/apix", "shop"), ("example.com", "/API", "shop"),
      ("a.example.org", "/", "shop"),
      ("b.example.org", "/api", "api"), ("a.b.example.org", "/", "404"),
      ("example.org", "/", "404"),
      ("prefix.example", "/a.b/c", "api"), ("prefix.example", "/aXb/c", "404"), ("", "/", "404"),
      ("unknown.localhost", "/", "404"), ("[::1]:80", "/", "404"), ("127.0.0.1", "/", "404"),
      ("example.com.evil", "/", "404"), ("xexample.com", "/", "404"),
    ]
    let pids = try pids()
    for (host, path, app) in rows {
      #expect(seen(try get(host, path), pids) == app, "\(host)\(path)")
      let why = try stage.does("router", "why", host + path, "--json")
      #expect(
        app == "404" ? !why.contains("\"app\"") : why.contains("\"app\":\"\(app)\""), "\(why)")
    }
    // The app does not see a prefix, and is told of it.
    let head = try get("example.com", "/api/headers/x?q=/api/").lowercased()
    #expect(head.contains("get /headers/x?q=/api/ http/1.1\r\n"))
    #expect(head.contains("x-forwarded-prefix: /api\r\n"))
    try stage.does("router", "set", "api", "prefix=keep")
    #expect(!(try get("example.com", "/api/headers")).contains("GET /headers"))
  }

  /// Requests that are written so that two readers may understand them in two ways.
  @Test func whatIsAmbiguousIsRefused() throws {
    let pids = try pids()
    let refused = [
      "/api%2Fx", "/%61pi/x", "//api/x", "/x/../api", "/api/../x", "/api/%2e%2e/x", "/api/.",
      "/a%5cb",
      "/a\\b", "/api/..%2f..", "/%61pi/%zz", "/x/../api/%zz",
    ]
    for path in refused { #expect(seen(try get("example.com", path), pids) == "400", "\(path)") }
    // Elsewhere paths decide nothing, and are the app's own business.
    for path in ["/x/../api", "/a%2Fb", "//x"] {
      #expect(seen(try get("a.example.org", path), pids) == "shop", "\(path)")
    }
    let get = "GET / HTTP/1.1\r\nHost: shop.localhost\r\n"
    let post = "POST / HTTP/1.1\r\nHost: shop.localhost\r\n"
    let rows = [
      (get + "Host: api.localhost\r\n\r\n", "400"), (get + "Host : api.localhost\r\n\r\n", "400"),
      (get + " folded: x\r\n\r\n", "400"), (get + "a\u{1}b: x\r\n\r\n", "400"),
      ("GET /api/x HTTP/1.1\r\nHost: example.com/x\r\n\r\n", "400"),
      ("GET /x HTTP/1.1\r\nHost: example.com/api\r\n\r\n", "400"),
      ("GET / HTTP/1.1\r\nHost: shop.localhost@api.localhost\r\n\r\n", "400"),
      ("CONNECT shop.localhost:80 HTTP/1.1\r\nHost: shop.localhost:80\r\n\r\n", "405"),
      ("GET http://shop.localhost/ HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", "shop"),
      (
        "POST / HTTP/1.0\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "400"
      ),
      ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET / HTTP/1.0\r\n\r\n", "404"),
      ("GET http://api.localhost/ HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", "400"),
      (get + "X: " + String(repeating: "x", count: 1 << 20) + "\r\n\r\n", "400"),
      (get + (0..<300).map { "x\($0): y\r\n" }.joined() + "\r\n", "400"),
      (post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", "400"),
      (post + "Content-Length: -1\r\n\r\n", "400"), (post + "Content-Length: 1x\r\n\r\na", "400"),
      (post + "Transfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n", "400"),
      (post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
      ("GET /\u{0} HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", "400"),
      ("GET / HTTP/9.9\r\nHost: shop.localhost\r\n\r\n", "shop"), ("\u{16}\u{3}\u{1}", "400"),
    ]
    for (request, expected) in rows {
      let close = request.replacing(
        "\r\n\r\n", with: "\r\nConnection: close\r\n\r\n", maxReplacements: 1)
      let found = seen(try exchange(close), pids)
      #expect(found == expected, "\(request.prefix(90))")
    }
    // A second request in the body of the first is a body.
    let smuggled = "GET / HTTP/1.1\r\nHost: api.localhost\r\n\r\n"
    let both =
      post + "Content-Length: \(smuggled.utf8.count)\r\nConnection: close\r\n\r\n" + smuggled
    #expect(seen(try exchange(both), pids) == "shop")
    let unclear =
      post
      + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nG"
    #expect(!(try exchange(unclear)).contains("api.1"))
  }

  /// Other hosts reach domains only; a proxy says who its client is only if it is trusted.
  @Test func otherHostsReachDomains() throws {
    let port = try Loopback.freePort()
    try stage.does("router", "listen", "http=\(port)", "--on", "127.0.0.1")
    let pids = try pids()
    #expect(seen(try get("example.com", "/", port), pids) == "shop")
    #expect(seen(try get("shop.localhost", "/", port), pids) == "404")
    #expect(try stage.does("ps").contains("http://example.com:\(port)"))
    func head() throws -> String {
      try exchange(
        "GET /headers HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-For: 9.9.9.9\r\n"
          + "X-Forwarded-Proto: https\r\nForwarded: for=9.9.9.9\r\nConnection: close\r\n\r\n", port
      ).lowercased()
    }
    #expect(!(try head()).contains("9.9.9.9"))
    #expect(try head().contains("x-forwarded-proto: http\r\n"))
    try stage.does("router", "trust", "127.0.0.0/8")
    #expect(try head().contains("x-forwarded-for: 9.9.9.9\r\n"))
    #expect(try head().contains("x-forwarded-proto: https\r\n"))
    // All of it is in the log: without the router's files it is the same.
    try stage.does("agent", "stop")
    let status = String(decoding: try Files.read(stage.home.router.status), as: UTF8.self)
    let keeper = try #require(status.split(separator: "\n").first { $0.hasPrefix("keeper ") })
    let pid = try #require(Int32(keeper.split(separator: " ")[1]))
    let process = try #require(ProcessIdentity(of: pid))
    process.signal(.term)
    #expect(eventually { !process.isAlive })
    try Files.remove(stage.home.router.path)
    try stage.does("agent", "start")
    #expect(eventually { (try? head())?.contains("x-forwarded-for: 9.9.9.9\r\n") == true })
    try stage.does("router", "listen", "off")
    #expect(eventually { (try? get("example.com", "/", port)) == nil })
  }

  /// While the only instance of an exclusive process type is replaced, requests wait.
  @Test func requestsWaitForAnExclusiveInstance() throws {
    let slug = try stage.writeTrafficSlug(rollout: #", "processes": {"web": {"exclusive": true}}"#)
    try stage.does("deploy", "shop", slug)
    let before = try pids()["shop"]
    let request = try stage.does("restart", "shop", "--detach")
    #expect(!request.isEmpty)
    var answers: [String] = []
    let changed = try eventually(20_000) {
      answers.append(seen(try get("shop.localhost", "/"), try pids()))
      return try pids()["shop"] != before && answers.last == "shop"
    }
    #expect(changed && !answers.contains { $0.count == 3 }, "\(answers)")
    // Another configuration waits until no request does, and so does the operator who wants it.
    try stage.does("restart", "shop", "--detach")
    try stage.does("domains", "shop", "add", "late.example.com")
    #expect(seen(try get("late.example.com", "/"), try pids()) == "shop")
    // Stopped is stopped.
    try stage.does("stop", "shop")
    #expect(seen(try get("shop.localhost", "/"), [:]) == "503")
  }

  /// A certificate of the operator's own, a redirect to it, and HTTP/2.
  @Test func requestsOverTLS() throws {
    let (http, https) = (try Loopback.freePort(), try Loopback.freePort())
    let made = try Invocation(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "9", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:example.com",
        "-keyout", "key.pem", "-out", "cert.pem",
      ], in: stage.folder.path, environment: ["PATH": Invocation.standardPath]
    ).run(errors: .null, limit: 10_000)
    try #require(made.isSuccess)
    let (cert, key) = (stage.folder.path + "/cert.pem", stage.folder.path + "/key.pem")
    #expect(try stage.relctl("certs", "add", cert).errors.contains("[RT-CERTIFICATE]"))
    try stage.does("certs", "add", cert, key)
    try stage.does("router", "listen", "http=\(http)", "https=\(https)", "--on", "127.0.0.1")
    #expect(try stage.does("certs").contains("ends soon"))
    func curl(_ words: String...) throws -> String {
      let common = [
        "curl", "-s", "-i", "-L", "--cacert", cert, "--resolve", "example.com:\(https):127.0.0.1",
        "--resolve", "example.com:\(http):127.0.0.1",
      ]
      return try Invocation(common + words, environment: ["PATH": Invocation.standardPath]).run(
        limit: 10_000
      ).text
    }
    let answer = try curl("https://example.com:\(https)/headers")
    #expect(answer.hasPrefix("HTTP/2 200") && answer.contains("x-forwarded-proto: https"))
    try stage.does("router", "set", "shop", "https=redirect", "hsts=300")
    let led = try curl("http://example.com:\(http)/headers?a=b")
    #expect(led.contains("308 Permanent Redirect") && led.contains("GET /headers?a=b"))
    #expect(led.contains("strict-transport-security: max-age=300"))
    #expect(try stage.does("ps").contains("https://example.com:\(https)"))
    let keys = try Files.info(stage.home.router.certificates + "/example.com.pem")
    #expect(keys?.mode == 0o600)
    #expect(!(try stage.events().contains { "\($0)".contains("PRIVATE") }))
    try stage.does("certs", "rm", "example.com")
    #expect(try curl("https://example.com:\(https)/").isEmpty)
    #expect(!Files.isFile(stage.home.router.certificates + "/example.com.pem"))
  }

  /// HAProxy asks the instances itself, so that one that hangs gets no requests even while no agent looks.
  @Test func anInstanceThatHangsGetsNoRequests() throws {
    try stage.does("scale", "shop", "web=2")
    try stage.does("agent", "stop")
    let pid = try #require(try stage.ready().first { $0.app == "shop" }?.pid)
    let process = try #require(ProcessIdentity(of: pid))
    process.signal(.stop)
    defer { process.signal(.cont) }
    let question = Array(
      "GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n".utf8)
    let own = PortRecord(
      text: String(decoding: try Files.read(stage.home.router.port), as: UTF8.self))
    let port = try #require(own?.port)
    let serves = eventually(40_000) {
      (0..<4).allSatisfy { _ in
        let answer = try? Loopback.exchange(question, port: port, milliseconds: 1500)
        return answer.map { String(decoding: $0, as: UTF8.self).contains(" 200 ") } == true
      }
    }
    #expect(serves)
  }

  /// A line for each request, if the operator wants it, and the counts of all.
  @Test func requestsAreCountedAndLogged() throws {
    let metrics = try Loopback.freePort()
    try stage.does("router", "set", "shop", "log=on")
    try stage.does("router", "listen", "metrics=\(metrics)")
    _ = try get("shop.localhost", "/a")
    _ = try get("api.localhost", "/not-logged")
    _ = try exchange("nonsense\r\n\r\n")
    #expect(
      try eventually {
        try stage.does("logs", "shop/router.1").contains(#"method=GET path="/a""#)
      })
    #expect(!(try stage.does("logs", "shop")).contains("not-logged"))
    #expect(try Files.list(stage.home.root + "/apps").sorted() == ["api", "shop"])
    let router = try stage.does("router")
    #expect(router.contains("of the last 1 requests") && router.contains("REQ/S"), "\(router)")
    let report = try stage.does("router", "--json")
    #expect(report.contains(#""requests":1,"#), "\(report)")
    let answer = try exchange("GET /metrics HTTP/1.0\r\n\r\n", metrics)
    #expect(answer.contains(#"haproxy_backend_http_requests_total{proxy="app.shop"}"#))
  }

  @Test func bodiesHaveALimit() throws {
    try stage.does("router", "set", "shop", "body=1K", "timeout=1")
    let head = "POST / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n"
    let body = String(repeating: "x", count: 1500)
    #expect(try exchange(head + "Content-Length: 1500\r\n\r\n" + body).contains(" 413 "))
    #expect(
      try exchange(head + "Transfer-Encoding: chunked\r\n\r\n5dc\r\n\(body)\r\n0\r\n\r\n").contains(
        " 413 "))
    #expect(try exchange(head + "Content-Length: 5\r\n\r\nabcde").contains(" 200 "))
    #expect(try get("shop.localhost", "/slow").contains(" 504 "))
    try stage.does("router", "set", "shop", "body=none", "timeout=60")
    #expect(try exchange(head + "Content-Length: 1500\r\n\r\n" + body).contains(" 200 "))
  }
}

extension String {
  /// What follows the first occurrence.
  fileprivate func components(after mark: String) -> Substring? {
    firstRange(of: mark).map { self[$0.upperBound...] }
  }
}
