import Events
import Instance
import Posix

// Keeps the control groups of the runs.
extension Agent {
  /// Makes the group of a new run, and that of its check command if it has one.
  func makeGroups(for run: Board.Run, of app: Board.App) throws(Cause) {
    let limits = app.limits ?? Limits()
    let checked = try manifest(of: run.release, app).appJSON?.gateCommand(of: run.instance.process)
    do throws(PosixError) {
      guard let (own, beside) = groupPaths(of: run, app) else { return }
      try groups.make(own, limits)
      if checked != nil { try groups.make(beside, limits) }
      watches[run.id]?.limits = limits
    } catch { throw Cause(error, as: .startFailed) }
  }

  private func groupPaths(of run: Board.Run, _ app: Board.App) -> (own: String, beside: String)? {
    guard let own = groups.path(of: run.instance, run: run.id, app: app.name),
      let beside = groups.path(ofCheckOf: run.instance, run: run.id, app: app.name)
    else { return nil }
    return (own, beside)
  }

  /// The groups of a run. One that was started before the host had groups for it has none.
  func groupsMade(for run: Board.Run, of app: Board.App) -> (own: String?, beside: String?) {
    guard let (own, beside) = groupPaths(of: run, app) else { return (nil, nil) }
    return (Files.isFolder(own) ? own : nil, Files.isFolder(beside) ? beside : nil)
  }

  /// Gives the app's running instances its limits, if they changed or another agent has set them.
  func applyLimits(of app: Board.App) throws(Cause) {
    let limits = app.limits ?? Limits()
    for run in app.liveRuns {
      guard let watched = watches[run.id], watched.limits != limits else { continue }
      let made = groupsMade(for: run, of: app)
      do throws(PosixError) {
        for path in [made.own, made.beside] {
          if let path { try groups.apply(limits, to: path) }
        }
      } catch { throw Cause(error) }
      watches[run.id]?.limits = limits
    }
  }

  /// Removes the groups of runs that have ended.
  func clearGroups() {
    groups.clear(
      keeping: Set(
        board.apps.values.flatMap { app in
          app.liveRuns.compactMap { groupPaths(of: $0, app) }.flatMap { [$0.own, $0.beside] }
        }))
  }
}
