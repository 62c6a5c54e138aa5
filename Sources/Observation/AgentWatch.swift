import Events
import HomeLayout
import Posix

/// Whether an agent lives, and its end as something to poll for: nobody writes down that an agent
/// was killed.
public struct AgentWatch: Sendable {
  private let home: Home
  private var pid: Int32?
  private var end: File?
  public private(set) var isAlive = false

  public init(home: Home) { self.home = home }

  /// Readable when the agent has ended; nil where none is known.
  public var descriptor: Int32? { end?.descriptor }

  /// Looks again; `board` says which process was the last to call itself the agent.
  public mutating func look(_ board: Board) {
    isAlive = Situation.hasAgent(home)
    if !isAlive {
      (pid, end) = (nil, nil)
    } else if pid != board.agent?.pid || end == nil {
      pid = board.agent?.pid
      end = pid.flatMap { ProcessIdentity(of: $0) }?.endWatch()
    }
  }
}
