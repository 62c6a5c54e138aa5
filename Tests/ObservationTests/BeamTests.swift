import Glibc
import Posix
import TestSupport
import Testing

/// That the nodes of the other tests are what they are taken for, and leave nothing running.
@Suite struct BeamTests {
  @Test func answersAndIsGoneAfterwards() throws {
    let (identities, folder) = try Self.look(
      Beam(
        name: "plain",
        evaluating: ["register(marker, spawn(fun() -> timer:sleep(infinity) end))"]))
    #expect(eventually { identities.allSatisfy { !$0.isAlive } })
    #expect(!Files.exists(folder))
  }

  /// Holds it no longer than this takes.
  /// - Returns: its processes, and its folder.
  static func look(_ node: Beam) throws -> ([ProcessIdentity], String) {
    #expect(
      try node.eval("{node(), erlang:get_cookie()}") == "{'plain@127.0.0.1','\(node.cookie)'}")
    #expect(try node.eval("X = [1, 2], {X, is_pid(whereis(marker))}") == "{[1,2],true}")
    #expect(throws: Beam.Failure.self) { try node.eval("exit(why)") }
    #expect(throws: Beam.Failure.self) { try node.eval("{") }
    let words = String(decoding: try Files.read("/proc/\(node.pid)/cmdline"), as: UTF8.self)
    #expect(!words.contains(node.cookie) && words.contains("beam.smp"))
    let atoms = try node.eval("erlang:system_info(atom_count)")
    #expect(try node.eval("erlang:system_info(atom_count)") == atoms, "asking leaves atoms behind")
    node.signal(.stop)
    let all = [node.pid, node.network.pid] + ProcessTable.descendants(of: node.pid).map(\.pid)
    let identities = all.compactMap { ProcessIdentity(of: $0) }
    #expect(identities.count == all.count && all.count > 2)
    return (identities, Files.parent(of: node.home))
  }

  @Test func ofAllKinds() throws {
    let network = try Beam.Network()
    let new = try Beam(.otp28, name: "new", network: network)
    let short = try Beam(name: "short", naming: .short, network: network)
    #expect(try new.eval("erlang:system_info(otp_release)") == "\"28\"")
    #expect(try short.eval("node()") == "'\(short.name)'" || short.eval("node()") == short.name)
    let port = try Loopback.freePort()
    let alone = try Beam(name: "alone", port: port)
    #expect(try alone.eval("node()") == "'alone@127.0.0.1'")
    let isolated = try Beam(name: "isolated", network: Beam.Network(isOwn: true))
    #expect(try isolated.eval("node()") == "'isolated@127.0.0.1'")
    let spaces = try [isolated.pid, getpid()].map { try Files.target(ofLink: "/proc/\($0)/ns/net") }
    #expect(spaces[0] != spaces[1])
    let nameless = try Beam(name: "nameless", naming: .none)
    #expect(throws: Beam.Failure.self) { try nameless.eval("ok") }
  }

  @Test func aCookieOfItsUser() throws {
    try #require(User.isRoot, "this test needs root, to run a node as another user")
    let beam = try Beam(name: "other", cookie: "chosen", user: 65534)
    #expect(try beam.eval("erlang:get_cookie()") == "chosen")
    #expect(try Files.info("/proc/\(beam.pid)")?.owner == 65534)
  }

  @Test func whatDoesNotStart() throws {
    #expect(throws: Beam.Failure.self) {
      try Beam(name: "broken", evaluating: ["halt(3)", "no"], wait: true)
    }
  }
}
