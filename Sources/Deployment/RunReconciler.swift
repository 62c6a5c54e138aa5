import Events
import HomeLayout
import Instance
import Posix

/// What the agent does next for one run.
enum RunAction: Equatable {
  /// Start its `relshim`.
  case launch
  /// Ask its `relshim` to stop it.
  case askToStop
  /// Kill the processes that it has left behind.
  case killProcesses
  /// Make sure that nothing can start it any more. If its `relshim` lives after all, what follows is not done.
  case bury
  /// See that the home's epmd answers: a node that has lost it cannot be asked, and registers again by itself.
  case renewPortMapper
  case record(RunNews)
}

/// What the log is told of a run.
enum RunNews: Equatable {
  case booting(pid: Int32)
  /// Milliseconds that each application took to start.
  case ready(boot: [String: Int]?)
  case unready(Cause)
  /// It ended as it was meant to.
  case stopped(RunStatus.Exit?)
  /// It ended by itself, or its `relshim` is gone; nil where no `relshim` ever wrote a word.
  case crashed(RunStatus?)
  /// Its `relshim` ended without starting it.
  case notStarted(Exit)
}

/// A run on the board against what is seen of it: a pure function to the next actions.
enum RunReconciler {
  struct Seen {
    var folder: RunObservation
    /// How the `relshim` that this agent started ended, if it has.
    var shimExit: Exit?
    /// Whether its `relshim` was started a moment ago and may not have written yet.
    var isLaunching = false
    /// Whether its node does more than start.
    var isBooting = false
    /// What its gate says.
    var gate: RunNews?
  }

  static func plan(_ run: Board.Run, _ seen: Seen) -> [RunAction] {
    switch seen.folder {
    case .absent:
      if let exit = seen.shimExit { return [.bury, .record(.notStarted(exit))] }
      if seen.isLaunching { return [] }
      return run.state == .starting ? [.launch] : [.bury, .record(ending(run, nil))]
    case .ended(let status): return [.record(ending(run, status))]
    // Its output goes nowhere and its end would not be seen: an orphan is replaced, not adopted.
    case .lost(let status): return [.killProcesses, .record(ending(run, status))]
    // Its relshim cannot be told apart; without processes it ends by itself, and writes its status anew.
    case .live(nil): return run.state == .stopping ? [.killProcesses] : []
    case .live(let status?): return follow(run, status, seen)
    }
  }

  private static func follow(_ run: Board.Run, _ status: RunStatus, _ seen: Seen) -> [RunAction] {
    var actions: [RunAction] = []
    // What is ready has booted, also where its node could not be asked.
    var isBooting = seen.isBooting
    if case .ready = seen.gate { isBooting = true }
    if run.state == .starting, isBooting, let process = status.process {
      actions.append(.record(.booting(pid: process.pid)))
    }
    if run.state == .stopping, !status.wasAsked { actions.append(.askToStop) }
    if case .unready = seen.gate { actions.append(.renewPortMapper) }
    if let news = seen.gate { actions.append(.record(news)) }
    return actions
  }

  /// The run is over: as it was meant to, or not.
  private static func ending(_ run: Board.Run, _ status: RunStatus?) -> RunNews {
    let isPhase = run.instance.process == ProcessType.release
    let isDone = isPhase && status?.exit == .code(0)
    // Half a release phase is no release phase, also where relshim was asked to stop it.
    let wasMeant = run.state == .stopping || status?.wasAsked == true && !isPhase
    return wasMeant || isDone ? .stopped(status?.exit) : .crashed(status)
  }
}
