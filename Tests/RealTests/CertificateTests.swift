import Deployment
import Events
import HomeLayout
import Journal
import Operations
import Posix
import TestSupport
import Testing

/// Certificates from a real authority: Debian's `pebble`, which asks the router for its tokens.
@Suite(.waitsForPrograms) struct CertificateTests {
  let stage: Stage
  let authority: Authority

  /// A test server that speaks ACME, and its resolver, for which every name is this host.
  final class Authority {
    let directory: UInt16
    /// Where it asks for tokens.
    let http: UInt16
    let certificate: String
    private var children: [Child] = []

    init(_ folder: TemporaryFolder) throws {
      (directory, http) = (try Loopback.freePort(), try Loopback.freePort())
      let (dns, other) = (try Loopback.freePort(), try Loopback.freePort())
      certificate = folder.path + "/authority.pem"
      let made = try Invocation(
        [
          "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
          "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "authority.key",
          "-out", certificate,
        ], in: folder.path, environment: ["PATH": Invocation.standardPath]
      ).run(errors: .null, limit: 20_000)
      try #require(made.isSuccess)
      try folder.write(
        "pebble.json",
        """
        {"pebble": {"listenAddress": "127.0.0.1:\(directory)", "certificate": "\(certificate)",
         "managementListenAddress": "127.0.0.1:\(other)", "privateKey": "authority.key",
         "httpPort": \(http), "tlsPort": 1}}
        """)
      let environment = [
        "PATH": Invocation.standardPath, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0",
      ]
      for words in [
        [
          "pebble-challtestsrv", "-defaultIPv6", "", "-dns01", "127.0.0.1:\(dns)", "-http01", "",
          "-https01", "", "-tlsalpn01", "", "-management", "127.0.0.1:\(try Loopback.freePort())",
        ], ["pebble", "-config", "pebble.json", "-dnsserver", "127.0.0.1:\(dns)"],
      ] {
        let program = Invocation(words, in: folder.path, environment: environment)
        children.append(
          try Child.start(program, output: .null, errors: .null, deathSignal: .kill))
      }
      let port = directory
      let serves = eventually {
        Listener.all(inNetworkOf: Program.processID)?.contains { $0.port == port } == true
      }
      try #require(serves)
    }

    func end() {
      for child in children {
        child.signal(.kill)
        _ = child.wait()
      }
      children = []
    }

    deinit { end() }
  }

  init() throws {
    stage = try Stage("certificate", router: true)
    authority = try Authority(stage.folder)
    #expect(try stage.relctl("deploy", "shop", stage.writeTrafficSlug()).exit == .code(0))
  }

  private var directory: String { "https://127.0.0.1:\(authority.directory)/dir" }

  private func order(_ hosts: String...) throws -> Stage.Answer {
    try stage.run(
      "relctl",
      ["certs", "add"] + hosts
        + ["--acme", "--directory", directory, "--ca-file", authority.certificate])
  }

  private func issuer(_ https: UInt16, _ host: String) throws -> String {
    try Invocation(
      [
        "/bin/sh", "-c",
        "openssl s_client -connect 127.0.0.1:\(https) -servername \(host) </dev/null",
      ],
      environment: ["PATH": Invocation.standardPath]
    ).run(limit: 10_000).text
  }

  @Test func aCertificateIsOrderedAndRenewed() throws {
    let early = try order("shop.example.com")
    #expect(early.exit == .code(65) && early.errors.contains("relctl router listen http=80"))
    let https = try Loopback.freePort()
    let listening = try stage.relctl(
      "router", "listen", "http=\(authority.http)", "https=\(https)", "--on", "127.0.0.1")
    #expect(listening.exit == .code(0), "\(listening.errors)")
    // Neither maintenance nor a redirect keeps the authority from its token.
    #expect(try stage.relctl("domains", "shop", "add", "shop.example.com").exit == .code(0))
    #expect(try stage.relctl("router", "set", "shop", "https=redirect").exit == .code(0))
    #expect(try stage.relctl("maintenance", "shop", "on").exit == .code(0))
    let ordered = try order("shop.example.com", "www.example.com")
    #expect(ordered.exit == .code(0), "\(ordered.errors)")
    #expect(ordered.output.contains("shop.example.com, www.example.com until 20"))
    #expect(try issuer(https, "www.example.com").contains("Pebble Intermediate"))
    let router = stage.home.router
    #expect(try Files.read(router.tokens).isEmpty)
    #expect(try Files.info(router.certificates + "/shop.example.com.pem")?.mode == 0o600)
    let left = try Files.list(router.certificates).filter { $0.hasPrefix("order-") }
    #expect(left.isEmpty)
    // One that is due is ordered again by the agent.
    let before = try Files.read(router.certificates + "/shop.example.com.pem")
    let now = Timestamp(milliseconds: Clock.now())
    let short = Certificate(
      name: "shop.example.com", hosts: ["shop.example.com"], until: now + 3000,
      authority: directory)
    _ = try EventJournal(home: stage.home, program: "relctl").append(
      .certificatesRequested, app: nil,
      ChangeCertificates(.add, short).request(by: "test", now: now))
    #expect(
      try eventually(40_000) {
        try Files.read(router.certificates + "/shop.example.com.pem") != before
      })
    // The authority cannot reach a host: its answer is the cause.
    let elsewhere = "http=\(try Loopback.freePort())"
    let moved = try stage.relctl(
      "router", "listen", elsewhere, "https=\(https)", "--on", "127.0.0.1")
    #expect(moved.exit == .code(0))
    let unreached = try order("fresh.example.com")
    #expect(unreached.exit == .code(65) && unreached.errors.contains("[RT-CERTIFICATE]"))
    #expect(unreached.errors.contains("connection refused"), "\(unreached.errors)")
    // It is gone: the certificate stays, and the failure is told.
    authority.end()
    #expect(try stage.relctl("certs", "renew", "shop.example.com").exit == .code(65))
    #expect(try stage.relctl("certs").output.contains("shop.example.com could not be renewed"))
    #expect(try issuer(https, "shop.example.com").contains("Pebble Intermediate"))
  }
}
