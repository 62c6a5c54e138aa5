import Events
import Instance
import Posix

/// Keeps the control groups of the runs: makes them before a run starts, gives them the limits of their app, and removes
/// them when the run has ended.
struct GroupKeeper {
  let groups: RunGroups
  /// The limits that the groups of each run have been given, by the run's id.
  private var given: [UInt64: Limits] = [:]

  init(_ groups: RunGroups) { self.groups = groups }

  /// The paths of a run's groups: its own, and that of its check command.
  struct Paths: Equatable {
    var own: String
    var check: String
  }

  private func paths(of run: Board.Run, _ app: Board.App) -> Paths? {
    guard let own = groups.path(of: run.instance, run: run.id, app: app.name),
      let check = groups.path(ofCheckOf: run.instance, run: run.id, app: app.name)
    else { return nil }
    return Paths(own: own, check: check)
  }

  /// The groups that a run has. One that was started before the host had groups for it has none.
  func made(for run: Board.Run, of app: Board.App) -> (own: String?, check: String?) {
    guard let paths = paths(of: run, app) else { return (nil, nil) }
    return (
      Files.isFolder(paths.own) ? paths.own : nil, Files.isFolder(paths.check) ? paths.check : nil
    )
  }

  mutating func make(for run: Board.Run, of app: Board.App, hasCheck: Bool) throws(PosixError) {
    guard let paths = paths(of: run, app) else { return }
    let limits = app.limits ?? Limits()
    try groups.make(paths.own, limits)
    if hasCheck { try groups.make(paths.check, limits) }
    given[run.id] = limits
  }

  /// Gives the running instances of an app its limits, if they have changed or another agent has set them.
  mutating func apply(to app: Board.App) throws(PosixError) {
    let limits = app.limits ?? Limits()
    for run in app.liveRuns where given[run.id] != limits {
      let made = made(for: run, of: app)
      for path in [made.own, made.check] {
        if let path { try groups.apply(limits, to: path) }
      }
      given[run.id] = limits
    }
  }

  /// Removes the groups of runs that have ended.
  mutating func clear(_ board: Board) {
    let live = board.apps.values.flatMap { app in app.liveRuns.map { (run: $0, app: app) } }
    given = given.filter { id, _ in live.contains { $0.run.id == id } }
    let kept = live.compactMap { paths(of: $0.run, $0.app) }.flatMap { [$0.own, $0.check] }
    groups.clear(keeping: Set(kept))
  }

  /// What the limits of a run have to do with its end.
  func cause(_ told: Cause, _ run: Board.Run, of app: Board.App) -> Cause {
    paths(of: run, app).flatMap { GroupReading($0.own) }?.cause(told, run, app: app.name) ?? told
  }
}
