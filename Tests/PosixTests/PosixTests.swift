import Dispatch
import Glibc
import Posix
import Synchronization
import TestSupport
import Testing

@Suite struct LockTests {
  @Test func excludesWithinAProcessAndAcross() async throws {
    let folder = try TemporaryFolder("lock")
    let path = folder.path + "/lock"
    #expect(try !Lock.isHeld(path))
    #expect(!Files.exists(path), "looking made the file")
    var lock = try Lock.take(path)
    #expect(lock != nil)
    #expect(try Lock.take(path) == nil)
    #expect(try Lock.isHeld(path))
    await #expect(processExitsWith: .success) { [path = path as String] in
      let (lock, isHeld) = (try Lock.take(path), try Lock.isHeld(path))
      #expect(lock == nil && isHeld)
    }
    withExtendedLifetime(lock) {}
    lock = nil
    #expect(try !Lock.isHeld(path))
    await #expect(processExitsWith: .success) { [path = path as String] in
      // Looking takes nothing: it can still be taken while the looked-at file is open elsewhere.
      let (isHeld, lock) = (try Lock.isHeld(path), try Lock.take(path))
      #expect(!isHeld && lock != nil)
    }
    #expect(try Lock.take(path) != nil, "an ended process holds it")
  }

  @Test func waitsForItsTurn() throws {
    let folder = try TemporaryFolder("lock")
    let path = folder.path + "/lock"
    let inside = Atomic(0)
    let clashes = Atomic(0)
    let turns = Atomic(0)
    Threads.run(4) { _ in
      for _ in 0..<50 {
        guard let lock = try? Lock.wait(path) else { return }
        if inside.add(1, ordering: .sequentiallyConsistent).newValue != 1 {
          clashes.add(1, ordering: .relaxed)
        }
        turns.add(1, ordering: .relaxed)
        inside.subtract(1, ordering: .sequentiallyConsistent)
        withExtendedLifetime(lock) {}
      }
    }
    #expect(clashes.load(ordering: .relaxed) == 0)
    #expect(turns.load(ordering: .relaxed) == 200)
    withExtendedLifetime(folder) {}
  }

  /// A child has a copy of every descriptor for a moment.
  @Test func aCopyOfTheDescriptorDoesNotKeepIt() throws {
    let folder = try TemporaryFolder("lock")
    var lock = try Lock.take(folder.path + "/lock")
    let copy = File(owning: Descriptor.copy(of: lock?.file.descriptor ?? -1), name: "copy")
    lock = nil
    #expect(try Lock.take(folder.path + "/lock") != nil)
    withExtendedLifetime(copy) {}
  }
}

@Suite struct LoopbackTests {
  @Test func freeAndTakenPorts() throws {
    let port = try Loopback.freePort()
    #expect(Loopback.isFree(port) && !Loopback.isListening(port))
    #expect(throws: PosixError("connect to", "127.0.0.1:\(port)", .refused)) {
      try Loopback.connect(port)
    }
    let server = try LoopbackServer { $0.reversed() }
    #expect(!Loopback.isFree(server.port) && Loopback.isListening(server.port))
    #expect(
      try Loopback.exchange([1, 2, 3], port: server.port, milliseconds: 5000) == [3, 2, 1])
  }

  @Test func exchangesEnd() throws {
    let silent = try LoopbackServer { _ in nil }
    #expect(throws: PosixError("read", "127.0.0.1:\(silent.port)", .timedOut)) {
      try Loopback.exchange([1], port: silent.port, milliseconds: 100)
    }
    let endless = try LoopbackServer { _ in [UInt8](repeating: 7, count: 200_000) }
    let part = try Loopback.exchange([1], port: endless.port, milliseconds: 5000, limit: 1000)
    #expect((1000..<200_000).contains(part.count))
  }

  /// A program that accepts no connection fills its queue; the kernel would try again for two minutes.
  @Test func connectingHasALimit() throws {
    let server = try LoopbackServer()
    var connections: [File] = []
    let start = Clock.monotonic()
    do throws(PosixError) {
      for _ in 0..<8 { connections.append(try Loopback.connect(server.port, milliseconds: 50)) }
      Issue.record("the queue was never full")
    } catch { #expect(error == PosixError("connect to", "127.0.0.1:\(server.port)", .timedOut)) }
    #expect(Clock.monotonic() - start < 10_000)
    withExtendedLifetime(connections) {}
  }
}

@Suite struct DialTests {
  @Test func aReadWaitsForAsMuchAsIsWanted() throws {
    let (ours, theirs) = try Dial.pair()
    try Dial.waitInReads(of: ours, for: 4, milliseconds: 20)
    #expect(throws: PosixError("read", "socket", .again)) { try ours.read(upTo: 10) }
    try theirs.write([1, 2, 3, 4, 5])
    #expect(try ours.read(upTo: 10) == [1, 2, 3, 4, 5])
    // When the time is up, it gives what there is.
    try theirs.write([6])
    #expect(try ours.read(upTo: 10) == [6])
  }

  static func wait(_ socket: File, reads: Bool = false, writes: Bool = false) throws
    -> [Poll.Ready]
  {
    let interest = Poll.Interest(socket.descriptor, reads: reads, writes: writes)
    return try Poll.wait([interest], milliseconds: 5000)
  }

  @Test func connectsWithoutWaiting() throws {
    let server = try LoopbackServer { $0.reversed() }
    let socket = try Dial.start(address: "127.0.0.1", port: server.port)
    #expect(socket.name == "127.0.0.1:\(server.port)")
    let first = try Self.wait(socket, reads: true, writes: true)
    #expect(first.map(\.descriptor) == [socket.descriptor] && first.map(\.isWritable) == [true])
    #expect(Dial.outcome(of: socket) == nil)
    #expect(throws: PosixError("read", socket.name, .again)) { try socket.read(upTo: 1) }
    try socket.write([1, 2, 3])
    #expect(try Self.wait(socket, reads: true).map(\.isReadable) == [true])
    #expect(try socket.read(upTo: 10, within: 60_000) == [3, 2, 1])
    #expect(try Poll.wait([] as [Poll.Interest], milliseconds: 1) == [])
  }

  @Test func aClosedPort() throws {
    let port = try Loopback.freePort()
    for (address, name) in [("127.0.0.1", "127.0.0.1:\(port)"), ("::1", "[::1]:\(port)")] {
      let refused = PosixError("connect to", name, .refused)
      do throws(PosixError) {
        let socket = try Dial.start(address: address, port: port)
        let ready = try Poll.wait(
          [.init(socket.descriptor, writes: true)], milliseconds: 5000)
        #expect(ready.map(\.isWritable) == [true] && ready.map(\.isReadable) == [true])
        #expect(Dial.outcome(of: socket) == refused)
      } catch { #expect(error == refused) }
    }
    for address in ["", "localhost", "1.2.3", "127.0.0.1:80", "[::1]", "::g", "127.0.0.1\0x"] {
      #expect(throws: PosixError.self) { try Dial.start(address: address, port: port) }
    }
  }

  /// A hang-up is told whatever was asked for.
  @Test func theOtherEndIsGone() throws {
    let server = try LoopbackServer { _ in [] }
    let socket = try Dial.start(address: "127.0.0.1", port: server.port)
    _ = try Self.wait(socket, writes: true)
    try socket.write([1])
    #expect(try Self.wait(socket, reads: true).first?.isReadable == true)
    #expect(try socket.read(upTo: 1, within: 60_000) == [])
    let (reading, writing) = try ends()
    withExtendedLifetime(reading) {}
    let ready = try Poll.wait(
      [.init(writing, reads: false)], milliseconds: 5000)
    #expect(ready.map(\.isReadable) == [true] && ready.map(\.isWritable) == [true])
    close(writing)
  }

  /// A pipe's writing end whose reading end is closed.
  private func ends() throws -> (File?, Int32) {
    let pipe = try File.pipe()
    return (nil, Descriptor.copy(of: pipe.writing.descriptor))
  }

  @Test func inAnotherNetwork() throws {
    try #require(User.isRoot, "this test needs root, to enter a network namespace")
    let (reading, leash) = try File.pipe()
    let (answers, writing) = try File.pipe()
    let server = """
      import socket,sys
      s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True)
      s.accept()[0].send(b'there'); sys.stdin.read()
      """
    let raise = "ip link set lo up && exec \"$@\""
    let child = try Child.start(
      Invocation(
        ["unshare", "-n", "sh", "-c", raise, "sh", "python3", "-c", server],
        environment: Environment.current), input: .file(reading), output: .file(writing))
    defer {
      child.signal(.kill)
      _ = child.exit()
    }
    var line: [UInt8] = []
    while line.last != UInt8(ascii: "\n"),
      case let part = try answers.read(upTo: 1, within: 60_000), part != []
    {
      line += part
    }
    let port = try #require(UInt16(String(decoding: line.dropLast(), as: UTF8.self)))
    let before = try Files.target(ofLink: "/proc/thread-self/ns/net")
    #expect(throws: PosixError("connect to", "127.0.0.1:\(port)", .refused)) {
      try Loopback.connect(port)
    }
    let socket = try Loopback.connect(port, inNetworkOf: child.pid)
    #expect(try socket.read(upTo: 5, within: 60_000) == Array("there".utf8))
    #expect(try Files.target(ofLink: "/proc/thread-self/ns/net") == before)
    withExtendedLifetime(leash) {}
  }

  @Test func aProcessThatIsNot() {
    let gone = PosixError("enter the network of", "process 0", .noSuchFile)
    #expect(throws: gone) { try Dial.start(address: "127.0.0.1", port: 1, inNetworkOf: 0) }
  }
}
