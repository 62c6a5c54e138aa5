import HomeLayout
import Instance
import Posix
import TestSupport
import Testing

/// A boot watch with a loop that polls it.
private struct Sentry {
  var watch: BootWatch

  init(_ beam: Beam) {
    self.init(beam.name, home: beam.home, epmdPort: beam.epmdPort)
  }

  init(_ node: String, home: String, epmdPort: UInt16) {
    var run = run()
    run.node = node
    watch = BootWatch(
      RunSpecification(
        app: "demo", run: run, folder: RunFolder(path: Files.parent(of: home)), tree: "/slug",
        otpRelease: nil, command: "true", config: [:], epmdPort: epmdPort))
  }

  mutating func wait(
    _ milliseconds: Int64 = 20_000, until condition: (BootWatch) -> Bool
  ) throws -> Bool {
    let end = Clock.monotonic() + milliseconds
    _ = watch.advance([])
    while !condition(watch) {
      let now = Clock.monotonic()
      if now >= end { return false }
      let next = min(end, watch.nextTick ?? end)
      _ = watch.advance(try Poll.wait(watch.interests, milliseconds: max(0, next - now)))
    }
    return true
  }
}

@Suite struct BootWatchTests {
  /// Watches from before the node exists until its last application has started.
  @Test func bootWatchedFromTheStart() throws {
    let network = try Beam.Network()
    let slow = try SlowApplication(milliseconds: 2000)
    let beam = try Beam(
      name: "timed", paths: [slow.path], evaluating: [slow.start], network: network, wait: false)
    var sentry = Sentry(beam)
    #expect(try sentry.wait { $0.isRefused })
    #expect(sentry.watch.reason.contains("knows no node 'timed'") && !sentry.watch.hasAnswered)
    #expect(try sentry.wait { $0.hang?.application == "slow" && $0.hang?.awaited == "slow" })
    #expect(sentry.watch.hasAnswered && !sentry.watch.hasBooted && sentry.watch.isRefused)
    #expect(sentry.watch.hang?.stack.first?.hasPrefix("timer:sleep/1") == true)
    #expect(try sentry.wait { $0.hasBooted })
    #expect(sentry.watch.hang == nil && !sentry.watch.isRefused)
    sentry.watch.leave()
    #expect(sentry.watch.interests.isEmpty && sentry.watch.nextTick == nil)
  }

  /// A watch that begins later knows the application that hangs.
  @Test func bootWatchedLate() throws {
    let slow = try SlowApplication(milliseconds: 3000)
    let beam = try Beam(name: "late", paths: [slow.path], evaluating: [slow.start])
    var sentry = Sentry(beam)
    #expect(try sentry.wait { $0.hang != nil })
    #expect(try sentry.wait { $0.hasBooted })
    var again = Sentry(beam)
    #expect(try again.wait { $0.hasBooted })
    #expect(again.watch.reason == "its runtime has not started yet")
  }

  @Test func hangIsReportedUntilTheApplicationStarts() throws {
    let slow = try SlowApplication(milliseconds: nil)
    let beam = try Beam(name: "hangs", paths: [slow.path], evaluating: [slow.start])
    var sentry = Sentry(beam)
    #expect(try sentry.wait { $0.hang?.stack.isEmpty == false })
    #expect(
      sentry.watch.reason.hasPrefix(
        "application slow is starting, waiting for slow, in timer:sleep/1"))
    beam.end()
    #expect(try sentry.wait { $0.hang == nil && $0.isRefused })
    #expect(!sentry.watch.hasBooted)
  }

  @Test func unreachableNodesHaveAReason() throws {
    let beam = try Beam(name: "there")
    let folder = try TemporaryFolder("foreign")
    try folder.write("home/.erlang.cookie", "another", mode: 0o400)
    let cases: [(String, String, UInt16, String)] = [
      (beam.name, folder.path + "/home", beam.epmdPort, "does not accept our cookie"),
      (beam.name, folder.path + "/none/home", beam.epmdPort, "no such file"),
      (beam.name, beam.home, try Loopback.freePort(), "no epmd answers"),
      ("gone@127.0.0.1", beam.home, beam.epmdPort, "knows no node 'gone'"),
      ("", beam.home, beam.epmdPort, "is not the name of a node"),
    ]
    for (name, home, port, words) in cases {
      var sentry = Sentry(name, home: home, epmdPort: port)
      #expect(try sentry.wait { $0.isRefused }, "\(name)")
      #expect(sentry.watch.reason.contains(words), "\(sentry.watch.reason)")
      #expect(!sentry.watch.hasAnswered)
    }
  }
}
