import Events
import HomeLayout
import Posix

/// A watch that says whether an agent serves the home. Its descriptor reports the end of the agent, because the log
/// does not record that an agent was killed.
public struct AgentWatch: Sendable {
  private let home: Home
  private var process: ProcessIdentity?
  private var end: File?
  public private(set) var isAlive = false

  public init(home: Home) { self.home = home }

  /// Readable when the agent has ended; nil if none is known.
  public var descriptor: Int32? { end?.descriptor }

  /// Checks again.
  /// - Parameter board: names the last agent's process.
  public mutating func look(_ board: Board) {
    isAlive = LiveBoard.hasAgent(home)
    // The board may still name the agent before this one, which has ended.
    let named = isAlive ? board.agent?.pid.flatMap { ProcessIdentity(of: $0) } : nil
    let found = named?.isAlive == true ? named : nil
    if found != process || end == nil { (process, end) = (found, found?.endWatch()) }
  }
}
