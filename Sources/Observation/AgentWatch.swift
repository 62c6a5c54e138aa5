import Events
import HomeLayout
import Posix

/// A watch that says whether an agent serves the home. Its descriptor reports the end of the agent, because the log
/// does not record that an agent was killed.
public struct AgentWatch: Sendable {
  private let home: Home
  private var pid: Int32?
  private var end: File?
  public private(set) var isAlive = false

  public init(home: Home) { self.home = home }

  /// Readable when the agent has ended; nil if none is known.
  public var descriptor: Int32? { end?.descriptor }

  /// Checks again.
  /// - Parameter board: names the last agent's process.
  public mutating func look(_ board: Board) {
    isAlive = LiveBoard.hasAgent(home)
    if !isAlive {
      (pid, end) = (nil, nil)
    } else if pid != board.agent?.pid || end == nil {
      pid = board.agent?.pid
      end = pid.flatMap { ProcessIdentity(of: $0) }?.endWatch()
    }
  }
}
