import ErlangTerm
import Glibc
import Posix
import TestSupport
import Testing

@testable import ErlangDistribution

/// Nodes that are hard to come to.
@Suite(.serialized, .waitsForPrograms) struct RealConnectionTests {
  private func failure(
    _ address: NodeAddress, _ cookie: String
  ) throws -> DistributionError {
    var connection = try Connection(to: address, cookie: .test(cookie))
    return try connection.failure()
  }

  @Test(arguments: Real.runtimes)
  func aWrongCookieIsNamed(_ runtime: Beam.Runtime) throws {
    let node = try Real.node(runtime)
    #expect(try failure(node.address, "wrong") == .wrongCookie(.test(node.name)))
  }

  @Test(arguments: Real.runtimes)
  func theCookieIsThatOfTheMoment(_ runtime: Beam.Runtime) throws {
    let node = try Beam(runtime, name: "changing")
    var old = try node.client()
    _ = try old.eval("erlang:set_cookie(node(), 'another one')")
    #expect(try failure(node.address, node.cookie) == .wrongCookie(.test(node.name)))
    var new = try Client(to: node.address, cookie: .test("another one"))
    #expect(try new.value("erlang", "node") == .atom(node.name))
    // A connection that was allowed before stays.
    #expect(try old.value("erlang", "node") == .atom(node.name))
  }

  @Test(arguments: Real.runtimes)
  func aNodeThatDoesNotConnectByItselfAcceptsUs(_ runtime: Beam.Runtime) throws {
    let node = try Beam(runtime, name: "alone", arguments: ["-connect_all", "false"])
    var client = try node.client()
    #expect(try client.value("erlang", "nodes") == .list([]))
  }

  @Test(arguments: Real.runtimes)
  func aNodeThatAllowsOthersSaysSo(_ runtime: Beam.Runtime) throws {
    let node = try Beam(runtime, name: "choosy")
    var client = try node.client()
    _ = try client.eval("net_kernel:allow(['friend@127.0.0.1'])")
    let error = try failure(node.address, node.cookie)
    #expect(error == .notAllowed(.test(node.name)), "\(error.sentence)")
  }

  @Test(arguments: Real.runtimes)
  func aNodeThatEndsIsSeenAndItsNextLifeIsAnother(_ runtime: Beam.Runtime) throws {
    let network = try Beam.Network()
    var first: Beam? = try Beam(runtime, name: "phoenix", cookie: "feather", network: network)
    let address = try #require(first?.address)
    var connection = try #require(try first?.connect())
    let creation = connection.session?.identity.peer.creation
    _ = try connection.call(RemoteCall("erlang", "halt", [], limit: nil))
    #expect(try connection.failure() == .closed(.talking))
    first = nil
    let gone = try eventually { try failure(address, "feather").isAbsence }
    #expect(gone)
    let second = try Beam(runtime, name: "phoenix", cookie: "feather", network: network)
    let again = try second.connect()
    #expect(again.session?.identity.peer.creation != creation)
  }

  @Test(arguments: Real.runtimes)
  func aNodeThatStandsStillIsSilentAndComesBack(_ runtime: Beam.Runtime) throws {
    let node = try Beam(runtime, name: "still")
    var patient = try node.connect()
    var hasty = try Connection(to: node.address, cookie: .test(node.cookie))
    hasty.pace = Session.Pace(tick: 100, probe: 300, silence: 600)
    try hasty.shakeHands()
    // A probe is answered, so that silence begins anew.
    let begun = Clock.monotonic()
    while Clock.monotonic() < begun + 900, let interest = hasty.interest {
      let left = max(0, hasty.nextTick - Clock.monotonic())
      _ = try hasty.advance(Poll.wait([interest], milliseconds: left).first)
    }
    node.signal(.stop)
    defer { node.signal(.cont) }
    #expect(try hasty.failure() == .silent(seconds: 0))
    #expect(try patient.answer(to: RemoteCall("erlang", "node", limit: 200)) == .timedOut)
    var late = try Connection(to: node.address, cookie: .test(node.cookie))
    #expect(try late.failure() == .tooSlow(.shaking))
    node.signal(.cont)
    #expect(try patient.answer(to: RemoteCall("erlang", "node")) == .returned(.atom(node.name)))
  }

  @Test(arguments: Real.runtimes)
  func aNodeWithoutAnEPMDIsReachedByItsPort(_ runtime: Beam.Runtime) throws {
    let port = try Loopback.freePort()
    let node = try Beam(runtime, name: "private", port: port)
    let address = NodeAddress(name: .test(node.name), door: .port(port))
    var client = try Client(to: address, cookie: .test(node.cookie))
    #expect(try client.value("erlang", "node") == .atom(node.name))
    let wrong = NodeAddress(name: .test("other@127.0.0.1"), door: .port(port))
    let error = try failure(wrong, node.cookie)
    #expect(error == .otherNode(wanted: wrong.name, found: node.name))
  }

  @Test(arguments: Real.runtimes)
  func aNodeOfIPv6(_ runtime: Beam.Runtime) throws {
    let port = try Loopback.freePort()
    let node = try Beam(
      runtime, name: "six", host: "::1",
      arguments: ["-start_epmd", "false", "-erl_epmd_port", String(port)],
      distribution: ["-proto_dist", "inet6_tcp"], wait: false)
    let name = try #require(NodeName.parse("six@[::1]:\(port)")).name
    let address = NodeAddress(name: name, door: .port(port), isIPv6: true)
    var answer: Term?
    _ = eventually {
      var client = try? Client(to: address, cookie: .test(node.cookie))
      answer = try? client?.value("erlang", "node")
      return answer != nil
    }
    #expect(answer == .atom("six@::1"), "\(node.output)")
  }

  @Test(arguments: Real.runtimes)
  func aNodeWithAShortName(_ runtime: Beam.Runtime) throws {
    let node = try Beam(runtime, name: "short", naming: .short)
    var client = try node.client()
    #expect(try client.value("erlang", "node") == .atom(node.name))
  }
}

extension DistributionError {
  /// No node is there.
  fileprivate var isAbsence: Bool {
    switch self {
    case .notRegistered, .unreachable: true
    default: false
    }
  }
}
