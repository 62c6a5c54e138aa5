import Events
import HomeLayout
import Instance
import Posix

/// An action of the agent for one run.
enum RunAction: Equatable {
  case launch
  /// Ask the run's `relshim` to stop the run.
  case askToStop
  /// Ask the processes of a run without `relshim` to end. Until they have, the following actions are skipped.
  case endOrphan
  /// Kill the processes that the run left behind.
  case killProcesses
  /// Make sure that nothing can start the run any more. If its `relshim` is alive after all, the
  /// following actions are skipped.
  case bury
  /// Make sure that the home's epmd answers; nodes register again by themselves.
  case renewPortMapper
  case record(RunNews)
}

/// An event to record for a run.
enum RunNews: Equatable {
  case booting(pid: Int32)
  case ready(boot: BootTimes?)
  case unready(Cause)
  /// The run's `relshim` is gone; its process serves on.
  case orphaned
  /// The run ended as intended.
  case stopped(RunStatus.Exit?)
  /// The run ended by itself, or its `relshim` is gone; nil if no `relshim` ever wrote a status.
  case crashed(RunStatus?)
  /// The run's `relshim` ended without starting it.
  case notStarted(Exit)

  var isEnd: Bool {
    switch self {
    case .stopped, .crashed, .notStarted: true
    default: false
    }
  }
}

/// The reconciler of one run: a pure function from the run and what was seen to actions.
enum RunReconciler {
  struct Seen {
    var folder: RunObservation
    /// The exit of the `relshim` that this agent started, if it has ended.
    var shimExit: Exit?
    /// Whether the run's `relshim` was started a moment ago and may not have written its status yet.
    var isLaunching = false
    /// Whether the run's node has answered, or is not expected to.
    var isBooting = false
    /// Whether the run's process is alive and may serve while its successor starts beside it.
    var mayServeOn = false
    /// Whether requests may be under way to a run that is to end.
    var hasRequests = false
    /// A change that the gate has found.
    var gate: RunNews?
  }

  static func plan(_ run: Board.Run, _ seen: Seen) -> [RunAction] {
    switch seen.folder {
    case .absent:
      if let exit = seen.shimExit { return [.bury, .record(.notStarted(exit))] }
      if seen.isLaunching { return [] }
      return run.state == .starting ? [.launch] : [.bury, .record(ending(run, nil))]
    case .ended(let status): return [.record(ending(run, status))]
    case .lost(let status):
      // An orphan is replaced, not adopted: its output is lost. Until then it serves.
      if run.state == .ready, seen.mayServeOn {
        return run.isOrphan == true ? [] : [.record(.orphaned)]
      }
      let end: [RunAction] = [.killProcesses, .record(ending(run, status))]
      return run.state == .stopping ? [.endOrphan] + end : end
    // Its `relshim` cannot be identified, but ends when its processes are gone.
    case .live(nil): return run.state == .stopping ? [.killProcesses] : []
    case .live(let status?): return follow(run, status, seen)
    }
  }

  private static func follow(_ run: Board.Run, _ status: RunStatus, _ seen: Seen) -> [RunAction] {
    var actions: [RunAction] = []
    // A ready run has booted, even if its node could not be asked.
    var isBooting = seen.isBooting
    if case .ready = seen.gate { isBooting = true }
    if run.state == .starting, isBooting, let process = status.process {
      actions.append(.record(.booting(pid: process.pid)))
    }
    if run.state == .stopping, !status.wasAsked, !seen.hasRequests { actions.append(.askToStop) }
    if case .unready = seen.gate { actions.append(.renewPortMapper) }
    if let news = seen.gate { actions.append(.record(news)) }
    return actions
  }

  /// The event for the end of a run, intended or not.
  private static func ending(_ run: Board.Run, _ status: RunStatus?) -> RunNews {
    let isPhase = ProcessType.runsOnce(run.instance.process)
    let isDone = isPhase && status?.exit == .code(0)
    // A release phase that did not finish has failed, even if its `relshim` was asked to stop it.
    let wasMeant = run.state == .stopping || status?.wasAsked == true && !isPhase
    return wasMeant || isDone ? .stopped(status?.exit) : .crashed(status)
  }
}
