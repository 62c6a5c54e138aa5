import ErlangDistribution
import Glibc
import HomeLayout
import Instance
import Posix
import TestSupport
import Testing

@Suite struct EPMDKeeperTests {
  let folder: TemporaryFolder
  let home: Home
  let keeper: EPMDKeeper
  let environment: [String: String]

  init() throws {
    folder = try TemporaryFolder("epmd")
    home = Home(root: folder.path)
    keeper = EPMDKeeper(home: home)
    environment = [
      "PATH": "/usr/local/bin:/usr/bin:/bin", "ERL_EPMD_PORT": String(try Loopback.freePort()),
    ]
  }

  /// Starts epmd as the agent does, and waits until it answers.
  func ensure() throws -> UInt16 {
    let port = try keeper.port(environment: environment)
    if keeper.answers(port) { return port }
    let command = try keeper.command(folder.path, port: port, environment: environment)
    _ = try Child.start(command, output: .null, errors: .null, newSession: true).wait()
    try #require(eventually { keeper.answers(port) })
    return port
  }

  /// The pids of the epmds on a port.
  func daemons(_ port: UInt16) -> [pid_t] {
    ProcessTable.all().map(\.pid).filter { pid in
      let words = (try? Files.read("/proc/\(pid)/cmdline", limit: 65_536)) ?? []
      let line = String(decoding: words, as: UTF8.self)
      return line.contains("epmd\0") && line.contains("-port\0\(port)\0")
    }
  }

  @Test func epmdRunsOnLoopbackWhileNeeded() throws {
    let port = try ensure()
    let pids = daemons(port)
    defer { for pid in pids { kill(pid, SIGKILL) } }
    #expect(environment["ERL_EPMD_PORT"] == String(port) && pids.count == 1)
    // epmd adds the IPv6 loopback address by itself.
    let loopback = ["127.0.0.1", "::1"]
    let all = try #require(Listener.all(inNetworkOf: getpid()))
    let addresses = all.filter { $0.port == port }.map(\.address)
    #expect(addresses.contains(loopback[0]) && addresses.allSatisfy(loopback.contains))
    #expect(try ensure() == port)
    #expect(daemons(port) == pids)
    // The port does not change later.
    #expect(try keeper.port(environment: ["ERL_EPMD_PORT": "1"]) == port)

    var node: File? = try register("demo", port)
    #expect(try EPMD(port: port).nodes().map { "\($0.name) \($0.port)" } == ["demo 4711"])
    keeper.stopIfUnused()
    #expect(try EPMD(port: port).nodes().count == 1)
    withExtendedLifetime(node) {}
    node = nil
    #expect(
      eventually {
        keeper.stopIfUnused()
        return !Loopback.isListening(port)
      })
    // It must not be a zombie child of the agent, which lives long.
    #expect(eventually { pids.allSatisfy { ProcessTable.stat($0)?.parent != getpid() } })
    #expect(eventually { pids.allSatisfy { ProcessIdentity(of: $0)?.isAlive != true } })
  }

  /// Registers a node (ALIVE2_REQ) for as long as the connection is open.
  func register(_ name: String, _ port: UInt16) throws -> File {
    let connection = try Loopback.connect(port)
    let request: [UInt8] =
      [120, 0x12, 0x67, 77, 0, 0, 6, 0, 5, 0, UInt8(name.utf8.count)] + name.utf8
      + [0, 0]
    try connection.write([0, UInt8(request.count)] + request)
    #expect(try Poll.wait([connection.descriptor], milliseconds: 5000) != [])
    return connection
  }

  @Test func concurrentCallersAgreeOnThePort() throws {
    let keeper = keeper
    let ports = Threads.collect(6) { _ in try? keeper.port(environment: [:]) }
    #expect(Set(ports).count == 1 && ports.first != nil)
  }

  @Test func otherServersAreNotTakenForEPMD() throws {
    for answer in [[], Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), [0, 0, 0]] as [[UInt8]] {
      let server = try LoopbackServer { _ in answer }
      #expect(throws: PosixError.self) { try EPMD(port: server.port).nodes() }
    }
  }
}
