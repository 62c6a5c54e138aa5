import Dashboard
import Events
import Glibc
import HomeLayout
import JSONText
import Journal
import Posix
import Terminal
import TestSupport
import Testing

/// The program itself, on homes that the journal writes.
struct ProgramTests {
  /// A home with few events, whose runs have all ended, so that no process need hold a lock.
  final class Place {
    let folder: TemporaryFolder
    let home: Home
    private(set) var events: [Event] = []

    init() throws {
      folder = try TemporaryFolder("dashboard")
      home = Home(root: folder.path + "/home")
      let journal = EventJournal(home: home, program: "test")
      var ids: [String: String] = [:]
      for event in Past.quiet.events {
        guard let type = event.type else { continue }
        var data = event.data
        data.request = data.request.flatMap { ids[$0] }
        let written = try journal.append(type, app: event.app, data)
        ids[event.id] = written.id
        events.append(written)
      }
    }

    var environment: [String: String] {
      [
        "PATH": Environment.current["PATH"] ?? "/usr/bin:/bin", "HOME": folder.path, "TZ": "UTC",
        "TERM": "xterm", "LANG": "C.UTF-8", "RELTUI_HOME": home.root, "USER": "ana",
      ]
    }

    func run(_ arguments: String..., terminal: String = "xterm") throws -> Invocation.Result {
      var environment = environment
      environment["TERM"] = terminal
      return try Invocation(
        [Workspace.program("reltui")] + arguments, environment: environment
      ).run(limit: 20_000)
    }

    /// The first event file.
    var segment: String { home.events + "/0000000000000001.jsonl" }
  }

  /// All but the first line, which has the host's name and clock, are kept byte for byte. Ages are
  /// below a minute, which reads the same all that time; moments are taken out.
  @Test func onceIsTheFrameOfTheLog() throws {
    let place = try Place()
    let result = try place.run("--once", "--size", "80x24", "--view", "apps")
    #expect(result.exit == .code(0))
    var lines = result.text.split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
    #expect(lines.last == "" && lines.count == 25)
    lines = Array(lines.dropFirst().dropLast())
    try Golden.expect(
      frame: lines.map { $0.replacing(/\d\d:\d\d:\d\d/, with: "hh:mm:ss") }, "once-80x24")
    var board = Board()
    for event in place.events { board.apply(event) }
    var model = Model(
      setting: .init(host: "", user: "", home: ""), size: Size(columns: 80, rows: 24),
      now: board.time)
    _ = model.update(.board(board))
    _ = model.update(.events(place.events))
    #expect(Array(model.frame().text.dropFirst()) == lines)
  }

  @Test func onceHasNoEscapesAndFitsItsSize() throws {
    let place = try Place()
    for (view, size) in [
      ("events", "200x60"), ("nodes", "40x12"), ("logs", "20x5"), ("boot", "1x1"),
    ] {
      let result = try place.run("--once", "--view", view, "--size", size)
      let rows = result.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
      #expect(result.exit == .code(0) && "\(rows)" == size.split(separator: "x").last ?? "")
      #expect(!result.text.contains("\u{1B}"))
    }
  }

  @Test func jsonListsInstances() throws {
    let place = try Place()
    let result = try place.run("--json")
    let reports = try JSON.decode([StateReport].self, from: result.output)
    let instances = reports.compactMap(\.instance)
    #expect(instances.map(\.app) == ["worker"] && instances.first?.state == .crashed)
    let apps = reports.map {
      switch $0 {
      case .instance(let report): report.app
      case .app(let report): report.app
      }
    }
    #expect(Set(apps).isSuperset(of: ["worker"]) && apps.count > 1)
  }

  /// A missing, empty, half-written or damaged log gives a clear screen.
  @Test func aLogThatIsNotWholeIsNoCrash() throws {
    let place = try Place()
    let file = try File.open(place.segment, .update)
    let end = try file.readWhole().countWithoutZeros
    try file.write(Array("{\"seq\":\"00000000".utf8), at: end)
    #expect(try place.run("--once").text.contains("worker"))
    try file.write(Array("junk\"}\nmore".utf8), at: end + 16)
    let damaged = try place.run("--once").text
    #expect(damaged.contains("worker") && damaged.contains("The event log is damaged in 1 place"))
    try File.open(place.segment, .update).truncate(to: 0)
    #expect(
      try place.run("--once", "--view", "apps").text.contains("No app is deployed here yet."))
    try Files.remove(place.home.root)
    let missing = try place.run("--once", "--view", "apps")
    #expect(missing.exit == .code(0) && missing.text.contains("relctl deploy APP DIR"))
    #expect(!Files.exists(place.home.root))
  }

  @Test(
    arguments: [
      ([], "xterm", 69, "--once"), (["--view", "bot"], "xterm", 64, "did you mean 'boot'?"),
      (["--once", "--size", "80"], "xterm", 64, "'80' is no size"),
      (["--once", "--app", "nosuch"], "xterm", 69, "there is no app 'nosuch'"),
      (["--theme", "/nonexistent"], "xterm", 65, "cannot read '/nonexistent'"),
      (["--onse"], "xterm", 64, "did you mean '--once'?"),
    ] as [([String], String, Int32, String)])
  func errors(arguments: [String], terminal: String, code: Int32, words: String) throws {
    let place = try Place()
    let (reading, writing) = try File.pipe()
    let invocation = Invocation(
      [try Workspace.program("reltui")] + arguments, environment: place.environment)
    let result = try invocation.run(errors: .file(writing), limit: 20_000)
    let said = String(decoding: try reading.read(upTo: 65_536, within: 60_000), as: UTF8.self)
    #expect(result.exit == .code(code) && result.output == [])
    #expect(said.hasPrefix("reltui: ") && said.contains(words), "\(said)")
    #expect(said.split(separator: "\n").count <= 2)
  }

  @Test func aTerminalIsDrawnAndGivenBack() throws {
    let place = try Place()
    let terminal = try ProgramTerminal("reltui", [], environment: place.environment)
    #expect(terminal.wait(for: "worker"))
    #expect(terminal.modes != terminal.modesBefore)
    terminal.type("?")
    #expect(terminal.wait(for: "Restart the selected app"))
    terminal.type("\u{1B}")
    #expect(terminal.wait(for: "worker"))
    terminal.resize(columns: 120, rows: 30)
    #expect(terminal.wait(for: "PORTS"))
    // What comes into the log comes to the screen.
    _ = try EventJournal(home: place.home, program: "test").append(
      .configChanged, app: "newcomer", EventData { $0.config = "c" })
    #expect(terminal.wait(for: "newcomer"))
    _ = terminal.rest()
    terminal.type("q")
    #expect(try terminal.exit() == .code(0))
    #expect(terminal.modes == terminal.modesBefore)
    #expect(terminal.rest().contains("\u{1B}[?1049l"))
  }

  /// Each port mapper on this host takes a connection and never answers, so that a search for nodes
  /// takes some seconds. The screen is drawn and keys are answered meanwhile.
  @Test(.timeLimit(.minutes(1))) func keysAreAnsweredWhileTheSearchForNodesIsSlow() throws {
    let place = try Place()
    let silent = try (0..<20).map { _ in try LoopbackServer { _ in nil } }
    try place.folder.write("beam.smp", "#!/bin/sh\nread line\n", mode: 0o755)
    let beams = try silent.map { server in
      try Invocation(
        [place.folder.path + "/beam.smp", "-sname", "slow\(server.port)", "-epmd_port"]
          + ["\(server.port)"], environment: [:]
      ).startHeld()
    }
    defer { for beam in beams { beam.end() } }
    let terminal = try ProgramTerminal(
      "reltui", ["--view", "nodes"], environment: place.environment)
    #expect(terminal.wait(for: "No node is known yet."))
    terminal.type("?")
    #expect(terminal.wait(for: "Restart the selected app"))
    terminal.type("\u{1B}")
    // The search goes on still.
    #expect(terminal.wait(for: "No node is known yet."))
    #expect(terminal.wait(for: "slow\(silent[0].port)"))
    terminal.type("q")
    #expect(try terminal.exit() == .code(0))
  }

  @Test(arguments: [Signal.term, .hup, .int])
  func aSignalGivesTheTerminalBack(signal: Signal) throws {
    let place = try Place()
    let terminal = try ProgramTerminal("reltui", [], environment: place.environment)
    #expect(terminal.wait(for: "worker"))
    terminal.signal(signal)
    #expect(try terminal.exit() == .code(signal.exitCode))
    #expect(terminal.modes == terminal.modesBefore)
  }

  @Test func aClosedWindowEndsIt() throws {
    let place = try Place()
    let terminal = try ProgramTerminal("reltui", [], environment: place.environment)
    #expect(terminal.wait(for: "worker"))
    terminal.hangUp()
    #expect(try terminal.exit() == .code(Signal.hup.exitCode))
  }

  @Test func aDumbTerminalIsToldWhatToDo() throws {
    let place = try Place()
    var environment = place.environment
    environment["TERM"] = "dumb"
    let terminal = try ProgramTerminal("reltui", [], environment: environment)
    #expect(try terminal.exit() == .code(69))
    let said = terminal.rest()
    #expect(said.contains("cannot place its cursor") && said.contains("--once"))
  }

  @Test func aRequestIsWrittenToTheLog() throws {
    let place = try Place()
    // An agent lives: none is started.
    let lock = try Lock.take(place.home.agentLock)
    defer { withExtendedLifetime(lock) {} }
    let terminal = try ProgramTerminal(
      "reltui", ["--app", "worker"], environment: place.environment)
    #expect(terminal.wait(for: "worker"))
    terminal.type("R")
    #expect(terminal.wait(for: "Restart"))
    terminal.type("y")
    let request = try Workspace.wait(milliseconds: 10_000) { () -> Event? in
      var follower = Follower(EventJournal(home: place.home, program: "test"), recent: 1000)
      return try follower.take().last { $0.type == .restartRequested }
    }
    #expect(request?.app == "worker" && request?.data.deadline != nil)
    terminal.type("q")
    #expect(try terminal.exit() == .code(0))
  }
}

/// A process that runs until its standard input ends.
struct HeldProcess {
  let child: Child
  let input: File

  func end() {
    child.signal(.kill)
    _ = child.wait()
  }
}

extension Invocation {
  func startHeld() throws -> HeldProcess {
    let (reading, writing) = try File.pipe()
    return HeldProcess(
      child: try Child.start(self, input: .file(reading), output: .null, errors: .null),
      input: writing)
  }
}

extension Past {
  /// A crashed app and one that was stopped: nothing of them runs.
  static var quiet: Past {
    var past = Past()
    past.create("blog", 1, slug: 0, config: "c", by: "zoe", ago: 90, formation: ["web": 1]) {
      $0.line = "First words"
    }
    let web = past.run("blog", InstanceName("web", 1), 1, port: 4001, ago: 80)
    past.finish("blog", 1, ago: 70)
    let request = past.add(.stopRequested, "blog", ago: 60) { $0.by = "zoe" }
    past.add(.requestAccepted, "blog", ago: 60) { $0.request = "event-\(request)" }
    past.end(.instanceStopped, "blog", web, ago: 50)
    past.create("worker", 4, slug: 1, config: "c", by: "cron", ago: 40, formation: ["job": 1])
    let job = past.run("worker", InstanceName("job", 1), 4, port: nil, ago: 38)
    past.finish("worker", 4, ago: 35)
    let cause = Cause(
      .crashed, "job.1 ended with exit code 1: \u{1B}[31mno database", remedy: "Start it.")
    past.end(.instanceCrashed, "worker", job, ago: 30, cause)
    return past
  }
}
