import Posix
import TestSupport
import Testing

/// `relctl events --follow`: it wakes for new events, and ends when its reader is gone.
@Suite(.waitsForPrograms) struct EventsFollowTests {
  private final class Follower {
    let child: Child
    private(set) var output: File?
    private var seen = ""
    private let errorPath: String

    init(_ stage: Stage, _ arguments: [String] = []) throws {
      let (reading, writing) = try File.pipe()
      errorPath = stage.folder.path + "/follower-errors"
      child = try Child.start(
        Invocation(
          [try Workspace.program("relctl"), "events", "-f"] + arguments,
          environment: stage.environment),
        output: .file(writing), errors: .file(try .open(errorPath, .replace)))
      output = reading
    }

    func errors() throws -> String { String(decoding: try Files.read(errorPath), as: UTF8.self) }

    func expect(_ text: String) throws -> Bool {
      try Workspace.wait(milliseconds: 30_000) {
        guard let output, try !Poll.wait([output.descriptor], milliseconds: 100).isEmpty else {
          return nil
        }
        seen += String(decoding: try output.read(upTo: 65_536), as: UTF8.self)
        return seen.contains(text) ? true : nil
      } ?? false
    }

    func goAway() { output = nil }

    /// The fields of /proc/PID/stat behind the program's name: the state first.
    private func stat() throws -> [Substring] {
      let stat = String(decoding: try Files.read("/proc/\(child.pid)/stat"), as: UTF8.self)
      return stat.split(separator: ")").last?.split(separator: " ") ?? []
    }

    /// Clock ticks of CPU time.
    func ticks() throws -> Int {
      let fields = try stat()
      return
        (fields.count > 12
        ? Int(fields[11]).flatMap { user in Int(fields[12]).map { user + $0 } } : nil) ?? -1
    }

    /// Voluntary context switches: one for each wake-up.
    func sleeps() throws -> Int {
      let status = String(decoding: try Files.read("/proc/\(child.pid)/status"), as: UTF8.self)
      let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
      return line.flatMap { Int($0.split(separator: "\t").last ?? "") } ?? -1
    }

    /// Waits until it neither works nor wakes between two looks.
    func fallsAsleep() throws -> Bool {
      var before = (-1, -1)
      return try eventually {
        defer { before = (try? (ticks(), sleeps())) ?? (-1, -1) }
        return try before == (ticks(), sleeps()) && stat().first == "S"
      }
    }

    func ends() throws -> Exit? {
      guard let watch = ProcessIdentity(of: child.pid)?.endWatch() else { return child.exit() }
      if try Poll.wait([watch.descriptor], milliseconds: 30_000).isEmpty {
        child.signal(.kill)
        _ = child.exit()
        return nil
      }
      return child.exit()
    }
  }

  /// The follower is suspended until the events that it would read next are dropped.
  @Test func slowFollowerReportsDroppedEvents() throws {
    let stage = try Stage("slow")
    #expect(try stage.relctl("events", "emit", "a.first").output == "1\n")
    let follower = try Follower(stage)
    #expect(try follower.expect("a.first"))
    // Asleep, it has read to the end; stopped earlier, it would still read on in its open segment.
    #expect(try follower.fallsAsleep())
    follower.child.signal(.stop)
    let line = #"{"type":"load.tick","data":{"x":"\#(String(repeating: "x", count: 60_000))"}}"#
    for _ in 1...4 {
      let lines = Array(repeating: line, count: 20).joined(separator: "\n")
      #expect(try EventsTests.emit(stage, lines).exit == .code(0))
    }
    let dropped = try stage.relctl("events", "retention", "--count", "20")
    #expect(dropped.output.contains("dropped"))
    follower.child.signal(.cont)
    #expect(try follower.ends() == .code(75))
    let errors = try follower.errors()
    let oldest = try #require(
      try Files.list(stage.home.events).first { $0.hasSuffix(".jsonl") }.flatMap {
        UInt64($0.prefix(16))
      })
    #expect(
      errors == """
        relctl: events 2-\(oldest - 1) are no longer kept [RT-LOG-NOT-KEPT]
          Go on with the oldest that is kept: relctl events --after \(oldest - 1)

        """)
    let rest = try stage.relctl("events", "--after", "\(oldest - 1)", "--json")
    #expect(rest.exit == .code(0) && rest.errors.isEmpty && rest.lines.count > 20)
  }

  @Test(arguments: [Signal.int, .term]) func signalEndsTheFollowerQuietly(_ signal: Signal) throws {
    let stage = try Stage("signal")
    #expect(try stage.relctl("events", "emit", "a.first").output == "1\n")
    let follower = try Follower(stage)
    #expect(try follower.expect("a.first"))
    #expect(try stage.relctl("events", "emit", "a.second").output == "2\n")
    #expect(try follower.expect("a.second"))
    follower.child.signal(signal)
    #expect(try follower.ends() == .code(0))
  }

  @Test func closedPipeEndsAnIdleFollower() throws {
    let stage = try Stage("closed")
    #expect(try stage.relctl("events", "emit", "a.first").output == "1\n")
    let follower = try Follower(stage)
    #expect(try follower.expect("a.first"))
    follower.goAway()
    #expect(try follower.ends() == .code(0))
  }

  @Test func idleFollowerSleeps() throws {
    let stage = try Stage("idle")
    #expect(try stage.relctl("events", "emit", "a.first").output == "1\n")
    let follower = try Follower(stage)
    #expect(try follower.expect("a.first"))
    // Files written beside the log wake it only briefly.
    #expect(try stage.relctl("events", "emit", "a.second").output == "2\n")
    #expect(try follower.expect("a.second"))
    #expect(try follower.fallsAsleep())
    let before = (try follower.ticks(), try follower.sleeps())
    #expect(before.1 > 0)
    for _ in 1...10 { #expect(try stage.relctl("events", "-n", "1").exit == .code(0)) }
    #expect(try follower.ticks() == before.0 && follower.sleeps() == before.1)
    follower.child.signal(.term)
    #expect(try follower.ends() == .code(0))
  }

  @Test func followerWaitsForAMissingHome() throws {
    let stage = try Stage("absent")
    let follower = try Follower(stage)
    let isAsleep = try eventually { try follower.sleeps() > 2 }
    #expect(isAsleep && !Files.exists(stage.home.root))
    #expect(try stage.relctl("events", "emit", "a.first").output == "1\n")
    #expect(try follower.expect("a.first"))
    follower.child.signal(.int)
    #expect(try follower.ends() == .code(0))
  }
}
