import DiskReserve
import Events
import HomeLayout
import Instance
import Journal
import Posix
import Router

/// The board of a home's log, corrected by the status files of its runs.
public enum LiveBoard {
  /// - Parameter moment: the time of a past board, which is not corrected; nil for now.
  /// - Returns: also whether a part of the log that was read is damaged.
  public static func board(of home: Home, program: String, at moment: HistoryPoint? = nil)
    throws(Cause)
    -> (board: Board, isDamaged: Bool)
  {
    let journal = EventJournal(home: home, program: program)
    var follower = Follower(journal, until: moment)
    _ = try follower.take()
    let board = moment == nil ? overlay(follower.board, home: home) : follower.board
    return (board, try !journal.untold(follower.damage).isEmpty)
  }

  /// Marks runs whose end no agent has recorded. The log is not changed.
  public static func overlay(_ board: Board, home: Home) -> Board {
    var board = board
    let router = RouterStatus(of: home.router)
    for (name, app) in board.apps {
      if app.current != nil {
        let (routed, certificates) = (board.routed(app), board.certificates ?? [])
        board.apps[name]?.address = router?.address(
          of: routed, certificates: certificates)
      }
      for (index, run) in app.runs.enumerated() where run.state.isLive {
        let folder = home.app(name).run(run.instance.description, run.id)
        guard let observed = try? RunObservation(folder) else { continue }
        var corrected = corrected(run, by: observed)
        if run.state != .ready, corrected.state.isLive { corrected.answer = text(of: folder.gate) }
        if corrected.state == .ready {
          corrected.peers = text(of: folder.peers).flatMap { Int($0) }
        }
        board.apps[name]?.runs[index] = corrected
      }
    }
    return board
  }

  /// Adds the requests that the router has counted.
  public static func addTraffic(to board: inout Board, home: Home) {
    for (app, traffic) in RouterStatistics.traffic(on: home) { board.apps[app]?.traffic = traffic }
  }

  /// What the agent wrote down about the run.
  private static func text(of path: String) -> String? {
    let bytes = (try? Files.readIfThere(path, limit: 4096)) ?? nil
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func corrected(_ run: Board.Run, by observed: RunObservation) -> Board.Run {
    var run = run
    switch observed {
    case .live(let status):
      run.pid = status?.process?.pid ?? run.pid
    case .absent where run.state == .starting: break
    case .lost(let status)
    where run.state == .ready && status?.processIdentity?.isAlive == true:
      run.isOrphan = true
    case .absent, .ended, .lost:
      run.state = run.state == .stopping ? .stopped : .crashed
      run.cause = Cause(
        .runLost, "\(run.instance) has ended, and no agent has recorded it yet",
        remedy: ProblemID.agentAbsent.remedy)
    }
    return run
  }

  /// The cause, if the disk that holds the home is full.
  public static func shortage(of home: Home) -> Cause? { ReservedSpace(home: home).shortage }

  /// Whether an agent serves the home.
  public static func hasAgent(_ home: Home) -> Bool { (try? Lock.isHeld(home.agentLock)) ?? false }
}
