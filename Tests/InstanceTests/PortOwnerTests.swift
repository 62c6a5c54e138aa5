import Glibc
import Instance
import Posix
import TestSupport
import Testing

/// Real programs under the real `relshim`, and others beside them, listen on the port of a run.
@Suite(.waitsForPrograms) struct PortOwnerTests {
  private func stranger(_ port: UInt16, _ shim: ProcessIdentity?) throws -> String? {
    var owner = PortOwner()
    return owner.stranger(on: port, below: try #require(shim))
  }

  /// Shell words that run a server on `address`; it answers each request with 200.
  private static func server(_ address: String, _ port: UInt16) throws -> String {
    let script = """
      import socket, sys
      six = ":" in sys.argv[1]
      s = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
      if six: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(sys.argv[1] == "::1"))
      s.bind((sys.argv[1], int(sys.argv[2])))
      s.listen()
      print("listening", flush=True)
      while True:
        c = s.accept()[0]
        c.recv(4096)
        c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        c.close()
      """
    let python = try Invocation(["python3"], environment: Environment.current).program()
    return "\(python) -c '\(script)' \(address) \(port)"
  }

  enum Way: CaseIterable {
    case itself, child, orphan
  }

  @Test(arguments: Way.allCases, ["127.0.0.1", "0.0.0.0", "::", "::1"])
  func aProcessOfTheRunMayListen(_ way: Way, on address: String) throws {
    let port = try Loopback.freePort()
    let server = try Self.server(address, port)
    let script =
      switch way {
      case .itself: "exec \(server)"
      case .child: "\(server) & wait"
      case .orphan: "(setsid \(server) &); exec sleep 600"
      }
    let run = try ShimRun(script)
    #expect(run.says("listening"))
    #expect(try stranger(port, run.shimIdentity) == nil)
    var probe = try HTTPProbe(HTTPCheck(path: "/"), port: port, milliseconds: 10_000)
    #expect(
      try Poll.isReady(Poll.Interest(probe.descriptor), before: Clock.monotonic() + 10_000)
        && probe.advance(isReadable: true) == .ready)
  }

  @Test func aStrangerIsNamed() throws {
    let run = try ShimRun("echo up; exec sleep 600")
    #expect(run.says("up"))
    let server = try LoopbackServer()
    let name = ProcessTable.name(of: getpid())
    #expect(
      try stranger(server.port, run.shimIdentity)
        == "pid \(getpid()) (\(name))")
    // A free port may be another test's by now; this one is no program's.
    #expect(try stranger(1, run.shimIdentity) == nil, "nothing listens")
  }

  /// The check reaches the stranger, since it tries IPv4 first.
  @Test func aStrangerBesideTheRun() throws {
    let server = try LoopbackServer()
    let run = try ShimRun("exec \(try Self.server("::1", server.port))")
    #expect(run.says("listening"))
    #expect(try stranger(server.port, run.shimIdentity)?.isEmpty == false)
  }

  /// Other users' processes hide their sockets, but not who they are. So does a program of the run that has more rights
  /// than its user; if it is of several users, any of them may have the port.
  @Test(arguments: [(0o755, true), (0o2755, true), (0o4755, false)] as [(mode_t, Bool)])
  func aStrangerOfAnotherUser(mode: mode_t, isKnown: Bool) async throws {
    try #require(User.isRoot, "this test needs root, to become another user")
    let server = try LoopbackServer()
    let folder = try TemporaryFolder("rights")
    let program = folder.path + "/sleep"
    try FileTree.copyFile("/bin/sleep", to: program, mode: mode)
    await #expect(processExitsWith: .success) {
      [port = server.port as UInt16, program = program as String, isKnown = isKnown as Bool] in
      #expect(setgroups(0, nil) == 0 && setgid(65_534) == 0 && setuid(65_534) == 0)
      let run = try Child.start(Invocation([program, "600"], in: "/", environment: [:]))
      defer {
        run.signal(.kill)
        _ = run.wait()
      }
      var owner = PortOwner()
      let shim = try #require(ProcessIdentity(of: run.pid))
      let stranger = owner.stranger(on: port, below: shim)
      let sentence = "a process of the user root"
      #expect(stranger == (isKnown ? sentence : nil))
    }
  }
}
