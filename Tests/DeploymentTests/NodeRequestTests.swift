import Events
import HomeLayout
import Testing

@testable import Deployment

/// Another program carries out actions on nodes; the agent only ends requests that it left open.
struct NodeRequestTests {
  private static let now = Timestamp(milliseconds: 1_700_000_000_000)

  private func request(_ type: EventType, deadline: Int64) throws -> Board.Request {
    var data = EventData()
    (data.node, data.action, data.by) = ("shop-web-1-3@127.0.0.1", "collect-garbage", "ana")
    data.deadline = Self.now + deadline
    var board = Board()
    board.apply(
      Event(
        sequence: 9, id: "r", time: Self.now, source: "test", type: type, app: "shop", data: data))
    return try #require(board.requests.first)
  }

  @Test(arguments: [
    (EventType.nodeActionRequested, Int64(10_000), false),
    (.nodeActionRequested, -1, false), (.nodeActionRequested, -5000, false),
    (.nodeActionRequested, -5001, true),
    (.restartRequested, 10_000, true), (.restartRequested, -1, true),
  ])
  func agentEndsOnlyOverdueNodeRequests(type: EventType, deadline: Int64, isAgents: Bool) throws {
    #expect(try request(type, deadline: deadline).isAgents(at: Self.now) == isAgents)
  }

  /// The agent must not wake before the request is overdue.
  @Test(arguments: [
    (EventType.nodeActionRequested, Int64(10_000), Int64(15_000)),
    (.nodeActionRequested, -1000, 4000), (.restartRequested, 10_000, 10_000),
  ])
  func agentSleepsUntilANodeRequestIsOverdue(type: EventType, deadline: Int64, moment: Int64) throws
  {
    #expect(try request(type, deadline: deadline).due == Self.now + moment)
  }
}
