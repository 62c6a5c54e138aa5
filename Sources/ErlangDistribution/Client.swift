import Posix

/// A connection whose calls block until the answer is there.
public struct Client: Sendable {
  public internal(set) var connection: Connection

  /// Milliseconds after which a blocking read returns, so that timeouts are checked.
  private static let patience: Int64 = 20

  /// Connects, and waits until the handshake is done.
  public init(to address: NodeAddress, cookie: Cookie) throws(DistributionError) {
    connection = try Connection(to: address, cookie: cookie)
    while connection.session == nil { _ = try wait() }
    try connection.waitInReads(milliseconds: Self.patience)
  }

  /// Calls a function and waits for its answer.
  /// - Parameter print: called with the text that the function prints.
  public mutating func call(
    _ call: RemoteCall, print: (String) -> Void = { _ in }
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

  public mutating func close() { connection.close() }

  private mutating func wait() throws(DistributionError) -> [SessionEvent] {
    guard let interest = connection.interest else { throw .closed(.talking) }
    // The read waits itself, so poll(2) before it would only cost time.
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
