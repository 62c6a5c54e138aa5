import Events
import HomeLayout
import NodeModel
import Posix
import Synchronization
import TestSupport
import Testing

@testable import Observation

/// What the fleet decides without any node: which nodes there are, and when it searches for them.
@Suite struct NodeFleetTests {
  /// A host whose BEAMs are made up, with the count of searches for them.
  final class MadeUpHost: Sendable {
    let folder: TemporaryFolder
    private let state: Mutex<(beams: [FoundNode], searches: Int)>

    init(_ beams: [FoundNode] = []) throws {
      folder = try TemporaryFolder("fleet")
      state = Mutex((beams, 0))
    }

    var home: Home { Home(root: folder.path + "/home") }
    var searches: Int { state.withLock { $0.searches } }

    func set(_ beams: [FoundNode]) { state.withLock { $0.beams = beams } }

    func search() -> [FoundNode] {
      state.withLock { state in
        state.searches += 1
        return state.beams
      }
    }

    func fleet(_ names: [String] = []) throws -> NodeFleet {
      try Files.makeFolder(home.root, mode: 0o755)
      return try NodeFleet(
        home: home, names: names, environment: ["HOME": folder.path], search: { self.search() })
    }
  }

  static func beam(_ line: String, pid: Int32 = 7, started: UInt64 = 1) -> FoundNode {
    BeamFactsTests.facts("beam.smp " + line) {
      $0.process = ProcessIdentity(pid: pid, started: started)
    }
  }

  /// A board with one live run, whose node has this name.
  static func board(node: String) -> Board {
    var board = Board()
    var app = Board.App(name: "shop", changed: board.time)
    var run = Board.Run(
      id: 3, instance: InstanceName("web", 1), release: ReleaseNumber(1), state: .ready,
      since: board.time)
    run.node = node
    app.runs = [run]
    board.apps["shop"] = app
    return board
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var beams: [FoundNode] = []
    var names: [String] = []
    var board: Board?
    var discovers = true
    /// Each node as `name origin state`.
    var expected: [String]
    var testDescription: String { name }
  }

  @Test(arguments: [
    Case(name: "nothing runs", expected: []),
    Case(name: "a BEAM is found", beams: [beam("-sname x")], expected: ["x@prod-1 pid 7 idle"]),
    Case(
      name: "no search is wanted", beams: [beam("-sname x")], discovers: false, expected: []),
    Case(
      name: "a shell on another node is no node", beams: [beam("-sname x -remsh y@z")],
      expected: []),
    Case(
      name: "a BEAM without a name cannot be asked", beams: [beam("-noshell")],
      expected: ["nonode@nohost pid 7 down RT-NODE-UNREACHABLE"]),
    Case(
      name: "a node whose port is unknown cannot be asked", beams: [beam("-sname other")],
      expected: ["other@prod-1 pid 7 down RT-NODE-UNREACHABLE"]),
    Case(
      name: "a run's node is listed once, as the run's", beams: [beam("-sname x")],
      board: board(node: "x@prod-1"), expected: ["x@prod-1 shop/web.1 down RT-COOKIE-FILE"]),
    Case(
      name: "runs come first", beams: [beam("-sname x")], board: board(node: "y@prod-1"),
      expected: ["y@prod-1 shop/web.1 down RT-COOKIE-FILE", "x@prod-1 pid 7 idle"]),
    Case(
      name: "a named node is listed once, as it was named", beams: [beam("-sname x")],
      names: ["x@prod-1"], expected: ["x@prod-1 given idle"]),
    Case(
      name: "a named node twice is one node", beams: [beam("-sname x")],
      names: ["x@prod-1", "x@prod-1:4711"], expected: ["x@prod-1 given idle"]),
    Case(
      name: "the cookie of a named node elsewhere is unknown", names: ["x@elsewhere"],
      expected: ["x@elsewhere given down RT-COOKIE-FILE"]),
  ])
  func members(_ test: Case) throws {
    let host = try MadeUpHost(test.beams)
    var fleet = try host.fleet(test.names)
    if let board = test.board { fleet.know(board) }
    fleet.attend(NodeAttention(discovers: test.discovers))
    _ = fleet.advance([])
    #expect(fleet.reports.count == test.expected.count)
    // A node tells why it cannot be reached when it is watched.
    let unreachable = zip(fleet.reports, test.expected).filter { $1.contains(" down ") }
    let nodes = Dictionary(uniqueKeysWithValues: unreachable.map { ($0.0.id, Self.vitals) })
    fleet.attend(NodeAttention(nodes: nodes, discovers: test.discovers))
    _ = fleet.advance([])
    #expect(fleet.reports.map(Self.words) == test.expected)
  }

  static let vitals = NodeAttention.Parts.vitals

  static func words(_ report: NodeReport) -> String {
    let origin =
      switch report.origin {
      case .run(let app, let instance, _, _): "\(app)/\(instance)"
      case .given: "given"
      case .found(let pid): "pid \(pid)"
      }
    return "\(report.name) \(origin) \(report.state)" + (report.cause.map { " \($0.id)" } ?? "")
  }

  @Test func aNameThatIsNoneIsRefused() throws {
    let host = try MadeUpHost()
    #expect(throws: Cause.self) { try host.fleet(["no name"]) }
    #expect(host.searches == 0)
  }

  @Test func itSearchesEveryThreeSecondsWhileNodesAreShown() throws {
    let host = try MadeUpHost([Self.beam("-sname x")])
    var fleet = try host.fleet()
    let now = Clock.monotonic()
    let watched = NodeAttention(discovers: true)
    // Attention, milliseconds later, whether there is news, searches so far. A view that is opened
    // again does not wait for the rest of the interval.
    let steps: [(NodeAttention, Int64, Bool, Int)] = [
      (NodeAttention(), 0, false, 0), (watched, 0, true, 1), (watched, 1000, false, 1),
      (watched, 60_000, false, 2), (NodeAttention(), 120_000, false, 2), (watched, 0, false, 3),
    ]
    for (attention, later, expected, searches) in steps {
      fleet.attend(attention)
      let hasNews = fleet.advance([], now: now + later)
      #expect(hasNews == expected && host.searches == searches, "\(later)")
      #expect(attention.discovers == (fleet.nextTick != nil))
    }
  }

  @Test func nodesComeAndGo() throws {
    let host = try MadeUpHost([Self.beam("-sname x"), Self.beam("-noshell", pid: 8)])
    var fleet = try host.fleet()
    func advance(_ later: Int64 = 0) -> [String] {
      _ = fleet.advance([], now: Clock.monotonic() + later)
      return fleet.reports.map(\.id)
    }
    fleet.attend(NodeAttention(discovers: true))
    #expect(advance() == ["7", "8"])
    // The number of a process that ended was given to another one.
    host.set([Self.beam("-noshell", started: 2)])
    #expect(advance(60_000) == ["7"])
    #expect(fleet.reports.map(\.name) == ["nonode@nohost"])
    fleet.know(Self.board(node: "y@prod-1"))
    #expect(fleet.nextTick == 0)
    #expect(advance() == ["shop/web.1/3", "7"])
    fleet.know(Board())
    #expect(advance() == ["7"])
  }
}

/// The fleet on a thread of its own.
@Suite struct FleetWorkerTests {
  /// News until a condition holds of them.
  private func news(
    of worker: FleetWorker, until isEnough: (FleetWorker.News) -> Bool
  ) throws -> FleetWorker.News? {
    try Workspace.wait(milliseconds: 10_000) {
      _ = try Poll.wait([worker.descriptor], milliseconds: 100)
      return worker.takeNews().last(where: isEnough)
    }
  }

  /// The search hangs until the test lets it go on; meanwhile orders are taken at once.
  @Test(.timeLimit(.minutes(1))) func aSlowSearchDoesNotBlockTheCaller() throws {
    let folder = try TemporaryFolder("worker")
    let (reading, writing) = try File.pipe()
    let isSearching = Mutex(false)
    let fleet = try NodeFleet(home: Home(root: folder.path), environment: [:]) {
      isSearching.withLock { $0 = true }
      _ = try? reading.read(upTo: 1)
      return [NodeFleetTests.beam("-sname x")]
    }
    let worker = try FleetWorker(fleet)
    worker.send { $0.attend(NodeAttention(discovers: true)) }
    #expect(eventually { isSearching.withLock { $0 } })
    worker.send { $0.giveUp("1") }
    #expect(worker.takeNews().isEmpty)
    #expect(try Poll.wait([worker.descriptor], milliseconds: 0).isEmpty)
    try writing.write([0])
    let found = try news(of: worker) { $0.reports?.isEmpty == false }
    #expect(found?.reports?.map(\.name) == ["x@prod-1"])
    try writing.write([0])
    worker.send { $0.leave() }
    #expect(try news(of: worker) { $0.done == 3 } != nil)
  }
}
