import ErlangTerm
import Glibc
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

/// Connections with servers that keep to a script.
@Suite(.serialized) struct ConnectionTests {
  private func connect(
    _ server: LoopbackServer, cookie: Cookie = FakeNode.cookie
  ) throws -> Connection {
    try Connection(to: .fake(server.port), cookie: cookie)
  }

  private func failure(_ talk: @escaping @Sendable (File) throws -> Void) throws
    -> DistributionError
  {
    let server = try LoopbackServer(talking: talk)
    var connection = try connect(server)
    let error = try connection.failure()
    #expect(connection.interest == nil)
    #expect(try connection.advance(nil).isEmpty)
    return error
  }

  // MARK: - Before hands are shaken

  static let beginnings: [(String, @Sendable (File) throws -> Void, DistributionError)] = [
    ("closes at once", { _ in }, .closed(.shaking)),
    (
      "speaks another protocol", { try $0.write("HTTP/1.1 400 Bad Request\r\n\r\n") },
      .malformed(.frameTooLarge(bytes: 18516, limit: 4096))
    ),
    (
      "closes in the middle of a message", { try $0.write([0, 9, 115]) }, .closed(.shaking)
    ),
    (
      "says no", { try FakeNode.say(Array("snot_allowed".utf8), $0) },
      .notAllowed(FakeNode.name)
    ),
    (
      "closes when it has our proof",
      { client in
        _ = try FakeNode.message(client)
        try FakeNode.say(HandshakeTests.named, client)
        let name = Array("n@127.0.0.1".utf8)
        try FakeNode.say(
          [78, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x30, 0x39, 0, 0, 0, 7, 0, 11] + name, client)
        _ = try FakeNode.message(client)
      }, .wrongCookie(FakeNode.name)
    ),
    (
      "has another name", { try FakeNode.shake($0, name: "x@y") },
      .otherNode(wanted: FakeNode.name, found: "x@y")
    ),
  ]

  @Test(arguments: 0..<beginnings.count)
  func saysWhatWentWrong(_ index: Int) throws {
    let (what, talk, error) = Self.beginnings[index]
    let found = try failure { client in
      try talk(client)
      if !what.hasPrefix("closes") { try FakeNode.linger(client) }
    }
    #expect(found == error, "\(what)")
  }

  @Test func aServerThatSaysNothingIsGivenUp() throws {
    let server = try LoopbackServer({ _ in nil })
    var connection = try connect(server)
    let begun = Clock.monotonic()
    let interest = try #require(connection.interest)
    let ready = try Poll.wait([interest], milliseconds: 5000).first
    _ = try connection.advance(ready, now: begun)
    #expect(throws: DistributionError.tooSlow(.shaking)) {
      try connection.advance(nil, now: begun + 6000)
    }
    #expect(connection.interest == nil)
  }

  @Test func aClosedPortIsNamed() throws {
    let port = try Loopback.freePort()
    var connection = try Connection(to: .fake(port), cookie: FakeNode.cookie)
    #expect(
      try connection.failure() == .unreachable(FakeNode.name, port: port, .refused))
  }

  @Test func aHostWithoutAnAddressIsNamed() throws {
    let address = NodeAddress(name: .test("n@no-such-host.invalid"), door: .port(1))
    var connection = try Connection(to: address, cookie: FakeNode.cookie)
    #expect(try connection.failure() == .hostUnknown("no-such-host.invalid"))
  }

  // MARK: - EPMD

  private func epmd(_ answer: [UInt8]?) throws -> (DistributionError, UInt16) {
    let server = try LoopbackServer({ _ in answer })
    let address = NodeAddress(name: FakeNode.name, door: .epmd(port: server.port))
    var connection = try Connection(to: address, cookie: FakeNode.cookie)
    return (try connection.failure(), server.port)
  }

  @Test func tellsWhatAnEPMDAnswered() throws {
    let (unknown, port) = try epmd([119, 1])
    #expect(unknown == .notRegistered(FakeNode.name, epmd: port))
    let (nonsense, other) = try epmd(Array("HTTP".utf8))
    #expect(nonsense == .malformed(.portMapper(other)))
    for half in [[], [119], [119, 0], [119, 0, 9]] as [[UInt8]] {
      #expect(try epmd(half).0 == .closed(.asking), "\(half)")
    }
    let closed = try Loopback.freePort()
    #expect(
      try epmd([119, 0] + FakeNode.length(Int(closed), 2)).0
        == .unreachable(FakeNode.name, port: closed, .refused))
  }

  @Test func anEPMDThatSaysNothingIsGivenUp() throws {
    let server = try LoopbackServer({ _ in nil })
    let address = NodeAddress(name: FakeNode.name, door: .epmd(port: server.port))
    var connection = try Connection(to: address, cookie: FakeNode.cookie)
    #expect(throws: DistributionError.tooSlow(.asking)) {
      try connection.advance(nil, now: Clock.monotonic() + 6000)
    }
  }

  @Test func noEPMDIsNamed() throws {
    let port = try Loopback.freePort()
    let address = NodeAddress(name: FakeNode.name, door: .epmd(port: port))
    var connection = try Connection(to: address, cookie: FakeNode.cookie)
    #expect(
      try connection.failure() == .noEPMD(host: "127.0.0.1", port: port, .refused))
  }

  // MARK: - Behind it

  /// A connection after the handshake, and its node, which answers one call with `hi`.
  private func connectedToAnswer() throws -> (Connection, LoopbackServer) {
    let server = try FakeNode.serving { client in
      let (reference, _) = try FakeNode.request(client)
      try client.write(try FakeNode.down(reference, Played.returned(.atom("hi"))))
      try FakeNode.linger(client)
    }
    var connection = try connect(server)
    try connection.shakeHands()
    return (connection, server)
  }

  @Test func callsAndIsAnswered() throws {
    let (made, server) = try connectedToAnswer()
    defer { withExtendedLifetime(server) {} }
    var connection = made
    #expect(connection.session?.identity.ownName == "R1@h")
    #expect(try connection.answer(to: RemoteCall("m", "f")) == .returned(.atom("hi")))
  }

  @Test func whatComesInCrumbsIsOneAnswer() throws {
    let server = try FakeNode.serving { client in
      let (reference, _) = try FakeNode.request(client)
      for byte in try FakeNode.down(reference, Played.returned(.atom("hi"))) {
        try client.write([byte])
      }
      try FakeNode.linger(client)
    }
    var connection = try connect(server)
    try connection.shakeHands()
    #expect(try connection.answer(to: RemoteCall("m", "f")) == .returned(.atom("hi")))
  }

  @Test func whatCameBeforeTheEndIsToldBeforeIt() throws {
    let server = try FakeNode.serving { client in
      let (reference, _) = try FakeNode.request(client)
      try client.write(try FakeNode.down(reference, Played.returned(.atom("hi"))))
    }
    var connection = try connect(server)
    try connection.shakeHands()
    #expect(try connection.answer(to: RemoteCall("m", "f")) == .returned(.atom("hi")))
    #expect(try connection.failure() == .closed(.talking))
    #expect(throws: DistributionError.closed(.talking)) {
      try connection.call(RemoteCall("m", "f"))
    }
  }

  static let ends: [(String, [UInt8], DistributionError)] = [
    ("in the middle of a frame", [0, 0, 0, 9, 112, 131], .closed(.talking)),
    ("in the middle of a length", [0, 0], .closed(.talking)),
    (
      "with a frame that is too large", [255, 255, 255, 255],
      .malformed(.frameTooLarge(bytes: 4_294_967_295, limit: 64 << 20))
    ),
    ("with garbage", [0, 0, 0, 3, 1, 2, 3], .malformed(.unknownForm(1))),
  ]

  @Test(arguments: ends)
  func tellsHowItEnded(_ what: String, _ bytes: [UInt8], _ error: DistributionError) throws {
    let server = try FakeNode.serving { try $0.write(bytes) }
    var connection = try connect(server)
    var found: DistributionError?
    do { try connection.shakeHands() } catch let error as DistributionError { found = error }
    #expect(try found ?? connection.failure() == error)
  }

  /// A node that asks and asks and takes no answer is not listened to: what it makes us say would grow for ever.
  @Test func whoTakesNothingIsNotListenedTo() throws {
    let server = try FakeNode.serving { client in
      let (_, leader) = try FakeNode.request(client)
      let message = Term.tuple([
        .atom("io_request"), .pid(Played.process), .binary([UInt8](repeating: 1, count: 1000)),
        .atom("getopts"),
      ])
      let request = try frame([.integer(2), .atom(""), leader], message)
      let bytes = FakeNode.length(request.count, 4) + request
      let many = (0..<100).flatMap { _ in bytes }
      var (sent, refusals) = (0, 0)
      // Until nothing more goes in for a while.
      while refusals < 50 {
        let count = try Dial.write(many, from: sent % many.count, to: client)
        sent += count
        refusals = count > 0 ? 0 : refusals + 1
        if count == 0 { Clock.pause(milliseconds: 10) }
      }
    }
    var connection = try connect(server)
    try connection.shakeHands()
    _ = try connection.call(RemoteCall("m", "f", limit: nil))
    var most = 0
    while let interest = connection.interest {
      let ready = try Poll.wait([interest], milliseconds: 5000).first
      do { _ = try connection.advance(ready) } catch { break }
      most = max(most, connection.backlog)
    }
    #expect(most > 0)
    #expect(most < 2 << 20, "\(most)")
  }

  @Test func aSilentNodeIsGivenUp() throws {
    let server = try FakeNode.serving { try FakeNode.linger($0) }
    var connection = try connect(server)
    connection.pace = Session.Pace(tick: 20, probe: 80, silence: 120)
    try connection.shakeHands()
    #expect(try connection.failure() == .silent(seconds: 0))
  }

  @Test func aCallThatCannotBeEncodedFailsAlone() throws {
    let (made, server) = try connectedToAnswer()
    defer { withExtendedLifetime(server) {} }
    var connection = made
    let long = String(repeating: "a", count: 256)
    let error = #expect(throws: DistributionError.self) {
      try connection.call(RemoteCall(long, "f"))
    }
    #expect(error?.sentence == "it cannot be sent to a node: can't encode: atom of 256 characters")
    #expect(try connection.answer(to: RemoteCall("m", "f")) == .returned(.atom("hi")))
  }

  /// Nothing is left running when a connection is let go of while the host's address is looked for.
  @Test func aLookupEndsWithItsConnection() throws {
    let address = NodeAddress(name: .test("n@no-such-host.invalid"), door: .port(1))
    for _ in 0..<20 { _ = try Connection(to: address, cookie: FakeNode.cookie) }
    let own = getpid()
    #expect(
      eventually {
        !ProcessTable.all().contains { process in
          let name = (try? Files.read("/proc/\(process.pid)/comm")) ?? []
          return process.parent == own && name == Array("getent\n".utf8)
        }
      })
  }
}
