import Events
import HomeLayout
import Instance
import Posix
import TestSupport
import Testing

@testable import Deployment

/// The groups of an app's runs on a made-up tree, in which only pids can be limited.
struct GroupKeeperTests {
  private let folder: TemporaryFolder
  private let groups: RunGroups
  private var app = Board.App(name: "shop", changed: Timestamp(milliseconds: 0))

  init() throws {
    folder = try TemporaryFolder("keeper")
    let files = [
      "cgroup.controllers": "pids\n", "cgroup.subtree_control": "pids\n", "cgroup.procs": "",
    ]
    for (name, text) in files { try folder.write(name, text) }
    groups = RunGroups(
      GroupTree(mount: folder.path, group: "/", isSystemds: false, isRoot: true),
      home: Home(root: "/h"))
    app.runs = [7, 8].map { id in
      Board.Run(
        id: id, instance: InstanceName("web", Int(id) - 6), release: ReleaseNumber(1),
        state: .ready, since: Timestamp(milliseconds: 0))
    }
  }

  private func path(_ run: Board.Run, check: Bool = false) throws -> String {
    let path =
      check
      ? groups.path(ofCheckOf: run.instance, run: run.id, app: "shop")
      : groups.path(of: run.instance, run: run.id, app: "shop")
    return try #require(path)
  }

  /// The files that the kernel would make in a new group.
  private func prepare(_ path: String) throws {
    try folder.write(Files.name(of: path) + "/pids.max", "")
  }

  /// Each line is a limit that was written.
  private func limits(_ path: String) -> [Substring] {
    let bytes = (try? Files.read(path + "/pids.max")) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }

  @Test mutating func changedLimitsActOnRunningInstances() throws {
    let paths = try app.runs.map { try path($0) }
    let check = try path(app.runs[0], check: true)
    for path in paths + [check] { try prepare(path) }
    var keeper = GroupKeeper(groups)
    app.limits = Limits(pids: 500)
    for run in app.runs { try keeper.make(for: run, of: app, hasCheck: run.id == 7) }
    try keeper.apply(to: app)
    #expect(paths.map(limits) == [["500"], ["500"]] && limits(check) == ["500"])
    app.limits = Limits(memory: 1 << 30, pids: 50)
    try keeper.apply(to: app)
    try keeper.apply(to: app)
    #expect(
      paths.map(limits) == [["500", "50"], ["500", "50"]] && limits(check) == ["500", "50"])

    // The next agent does not know what the groups have.
    keeper = GroupKeeper(groups)
    app.limits = nil
    app.runs[1].state = .stopped
    try keeper.apply(to: app)
    #expect(paths.map { limits($0).last } == ["max", "50"] && limits(check).last == "max")
  }

  @Test mutating func endedRunsHaveNoGroup() throws {
    let paths = try app.runs.map { try path($0) }
    for path in paths { try Files.makeFolder(path) }
    var keeper = GroupKeeper(groups)
    var board = Board()
    board.apps["shop"] = app
    keeper.clear(board)
    #expect(app.runs.map { keeper.made(for: $0, of: app).own } == paths)
    app.runs[0].state = .crashed
    board.apps["shop"] = app
    keeper.clear(board)
    #expect(app.runs.map { keeper.made(for: $0, of: app).own } == [nil, paths[1]])
    // A run that was started without a group gets none later, and that is no error.
    app.limits = Limits(pids: 500)
    app.runs[0].state = .ready
    try prepare(paths[1])
    try keeper.apply(to: app)
    #expect(limits(paths[1]) == ["500"] && keeper.made(for: app.runs[0], of: app).own == nil)
  }

  @Test func limitIsTheCauseOfTheEnd() throws {
    let own = Files.name(of: try path(app.runs[0]))
    try folder.write(own + "/pids.max", "20\n")
    let told = Cause(.crashed, "it ended: ** (SystemLimitError) system_limit")
    let keeper = GroupKeeper(groups)
    #expect(keeper.cause(told, app.runs[0], of: app) == told)
    try folder.write(own + "/pids.events", "max 1\n")
    #expect(keeper.cause(told, app.runs[0], of: app).id == "RT-PIDS-LIMIT")
    #expect(keeper.cause(told, app.runs[1], of: app) == told)
  }

  @Test func hostWithoutGroups() throws {
    let none = RunGroups(
      GroupTree(mount: nil, group: "/", isSystemds: false, isRoot: true), home: Home(root: "/h"))
    var keeper = GroupKeeper(none)
    for run in app.runs { try keeper.make(for: run, of: app, hasCheck: true) }
    try keeper.apply(to: app)
    keeper.clear(Board())
    #expect(keeper.made(for: app.runs[0], of: app) == (nil, nil))
  }
}
