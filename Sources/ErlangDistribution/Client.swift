import ErlangTerm
import Posix

/// A connection for one who has nothing else to do than wait for it.
public struct Client: Sendable {
  public internal(set) var connection: Connection

  /// Milliseconds after which a read looks at the time again.
  private static let patience: Int64 = 20

  /// Connects, waiting for it.
  public init(to address: NodeAddress, cookie: Cookie) throws(DistributionError) {
    connection = try Connection(to: address, cookie: cookie)
    while connection.session == nil { _ = try wait() }
    try connection.waitInReads(milliseconds: Self.patience)
  }

  /// Calls a function and waits for its answer.
  /// - Parameter print: gets what it prints meanwhile.
  public mutating func call(
    _ call: Call, print: (String) -> Void = { _ in }
  ) throws(DistributionError) -> Answer {
    let id = try connection.call(call)
    while true {
      for event in try wait() {
        switch event {
        case .answer(id, let answer): return answer
        case .output(id, let text): print(text)
        default: break
        }
      }
    }
  }

  /// Leaves politely.
  public mutating func close() { connection.close() }

  private mutating func wait() throws(DistributionError) -> [SessionEvent] {
    guard let interest = connection.interest else { throw .closed(.talking) }
    // A read waits too, so that polling would only be a second call of the system.
    if connection.session != nil, connection.backlog == 0 {
      return try connection.advance(Poll.Ready(interest.descriptor, isReadable: true))
    }
    let ready: [Poll.Ready]
    do throws(PosixError) {
      ready = try Poll.wait(
        [interest], milliseconds: max(0, connection.nextTick - Clock.monotonic()))
    } catch { throw .system(error) }
    return try connection.advance(ready.first)
  }
}
