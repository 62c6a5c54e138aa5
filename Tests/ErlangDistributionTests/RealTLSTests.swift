import ErlangTerm
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

/// Distribution over TLS, which Debian's OTP 25 has.
@Suite(.serialized, .waitsForPrograms) struct RealTLSTests {
  /// A certificate authority and what it has signed, and a node with them.
  struct Setting {
    let folder: TemporaryFolder
    let node: Beam
    let port: UInt16

    init(demandsCertificate: Bool) throws {
      folder = try TemporaryFolder("tls")
      try Self.makeCertificates(in: folder)
      let verify = demandsCertificate ? "verify_peer" : "verify_none"
      try folder.write("options", Self.options(folder.path, verify))
      port = try Loopback.freePort()
      node = try Beam(
        name: "secure", arguments: ["-start_epmd", "false", "-erl_epmd_port", String(port)],
        distribution: ["-proto_dist", "inet_tls", "-ssl_dist_optfile", folder.path + "/options"],
        wait: false)
    }

    static func options(_ folder: String, _ verify: String) -> String {
      """
      [{server, [{certfile, "\(folder)/node.pem"}, {keyfile, "\(folder)/node.key"},
                 {cacertfile, "\(folder)/ca.pem"}, {verify, \(verify)},
                 {fail_if_no_peer_cert, \(verify == "verify_peer")}]},
       {client, [{certfile, "\(folder)/node.pem"}, {keyfile, "\(folder)/node.key"},
                 {cacertfile, "\(folder)/ca.pem"}, {verify, verify_peer}]}].

      """
    }

    private static func makeCertificates(in folder: TemporaryFolder) throws {
      for name in ["ca", "other"] {
        try openssl(
          folder,
          "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=\(name) -keyout \(name).key -out \(name).pem"
        )
      }
      try openssl(
        folder, "req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout node.key -out node.csr")
      try openssl(
        folder,
        "x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out node.pem")
    }

    private static func openssl(_ folder: TemporaryFolder, _ words: String) throws {
      let result = try Invocation(
        ["openssl"] + words.split(separator: " ").map(String.init), in: folder.path,
        environment: Environment.current
      ).run(limit: 30_000)
      if !result.isSuccess { throw Played.Odd(text: result.text) }
    }

    func address(_ options: TLSOptions?) -> NodeAddress {
      NodeAddress(name: .test(node.name), door: .port(port), tls: options)
    }

    /// Waits until the node can be asked. It listens before it can speak TLS.
    func wait(_ options: TLSOptions) throws {
      let isUp = eventually {
        guard var client = try? Client(to: address(options), cookie: .test(node.cookie)) else {
          return false
        }
        return (try? client.value("erlang", "node")) != nil
      }
      if !isUp { throw Played.Odd(text: node.output) }
    }

    func failure(_ options: TLSOptions?) throws -> DistributionError {
      var connection = try Connection(to: address(options), cookie: .test(node.cookie))
      return try connection.failure()
    }
  }

  @Test func aNodeThatDemandsACertificate() throws {
    let setting = try Setting(demandsCertificate: true)
    let path = setting.folder.path
    let options = try TLSOptions(file: path + "/options")
    try setting.wait(options)
    #expect(
      options
        == TLSOptions(
          certificate: path + "/node.pem", key: path + "/node.key", authorities: path + "/ca.pem"))
    var client = try Client(to: setting.address(options), cookie: .test(setting.node.cookie))
    #expect(try client.value("erlang", "node") == .atom(setting.node.name))
    // Bytes that openssl would take for commands of its own, and much of everything.
    for letter in ["Q", "R", "k", "K", "\n"] {
      let bytes = [UInt8](repeating: letter.utf8.first ?? 0, count: 300_000)
      #expect(try client.value("erlang", "hd", [.list([.binary(bytes)])]) == .binary(bytes))
    }
    let without = try setting.failure(TLSOptions(authorities: path + "/ca.pem"))
    guard case .tls = without else {
      Issue.record("\(without.sentence)")
      return
    }
    // TLS 1.2 and 1.3 say it in different words.
    let words = ["alert handshake failure", "certificate required"]
    #expect(words.contains { without.sentence.hasSuffix($0) }, "\(without.sentence)")
  }

  @Test func aNodeThatDemandsNone() throws {
    let setting = try Setting(demandsCertificate: false)
    try setting.wait(TLSOptions())
    let path = setting.folder.path
    for options in [TLSOptions(), TLSOptions(authorities: path + "/ca.pem")] {
      var client = try Client(to: setting.address(options), cookie: .test(setting.node.cookie))
      #expect(try client.value("erlang", "node") == .atom(setting.node.name))
    }
    let wrong = try setting.failure(TLSOptions(authorities: path + "/other.pem"))
    #expect(wrong.sentence.contains("verify error"), "\(wrong.sentence)")
    let missing = try setting.failure(TLSOptions(authorities: path + "/nothing.pem"))
    guard case .tls = missing else {
      Issue.record("\(missing.sentence)")
      return
    }
    var connection = try Connection(to: setting.address(TLSOptions()), cookie: .test("wrong"))
    #expect(try connection.failure() == .wrongCookie(.test(setting.node.name)))
    // Plain bytes are no TLS: it closes, or says so in bytes that no node sends.
    let plain = try setting.failure(nil)
    #expect(
      plain == .closed(.shaking) || plain.sentence.contains("the other side sent"),
      "\(plain.sentence)")
    #expect(try leavesNoProgram(setting))
  }

  /// A released connection leaves no program behind, and the node sees that it has ended.
  private func leavesNoProgram(_ setting: Setting) throws -> Bool {
    var asker = try Client(to: setting.address(TLSOptions()), cookie: .test(setting.node.cookie))
    var other = try Connection(
      to: setting.address(TLSOptions()), cookie: .test(setting.node.cookie))
    try other.shakeHands()
    let own = try #require(other.session?.identity.ownName)
    let isThere = try asker.eval("lists:member('\(own)', nodes(hidden))")
    #expect(isThere == .atom("true"))
    other.close()
    return try eventually {
      try asker.eval("lists:member('\(own)', nodes(hidden))") == .atom("false")
    }
  }

  static let files: [(String, String?)] = [
    ("[{client, [{cacertfile, \"/ca.pem\"}]}].", nil),
    ("[{server, [{certfile, \"/a.pem\"}]}].", nil),
    ("", "holds no [{client"), ("[].", "holds no [{client"), ("{client, []}.", "holds no [{client"),
    ("[{client, [{cacertfile, \"ca.pem\"}]}].", "no absolute path"),
    ("[{client, [", "cannot be read"),
  ]

  @Test(arguments: files)
  func readsAFileOfOptions(_ text: String, _ complaint: String?) throws {
    let folder = try TemporaryFolder("tls")
    try folder.write("options", text)
    do {
      _ = try TLSOptions(file: folder.path + "/options")
      #expect(complaint == nil)
    } catch {
      #expect(error.sentence.contains(complaint ?? "nothing"), "\(error.sentence)")
    }
    #expect(throws: TLSOptions.Unreadable.self) { try TLSOptions(file: folder.path + "/none") }
  }
}
