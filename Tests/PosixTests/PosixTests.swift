import Dispatch
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

  /// A program that accepts nobody fills its queue; the kernel would try again for two minutes.
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
