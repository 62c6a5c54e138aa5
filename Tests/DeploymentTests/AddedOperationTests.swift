import Events
import HomeLayout
import Operations
import ReleaseModel
import Testing

@testable import Deployment

/// An added operation. It is one value, and the agent's code does not know it.
private struct Touch: Operation {
  static let type = EventType.previewRenewRequested
  static let verb = "touch"
  let app: String

  init(app: String) { self.app = app }
  init?(app: String, data: EventData) { self.init(app: app) }
  func check(on board: Board) throws(Refusal) { if board.apps[app] == nil { throw .noApp(app) } }
  func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }
  func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Touch \(app.name)?", changes: ["Nothing changes."], undo: "Nothing to undo.")
  }
}

struct AddedOperationTests {
  private let operations = OperationTable([Touch.self])

  @Test func addedOperationIsAdmittedAndFinished() throws {
    var world = World.running()
    world.operations = operations
    world.request(Touch.type)
    world.settle()
    #expect(world.history.suffix(2) == [.requestAccepted, .requestFinished])
  }

  @Test func addedOperationIsRefusedByItsOwnRule() throws {
    var board = Board()
    board.apply(
      Event(
        sequence: 1, id: "r", time: Timestamp(milliseconds: 1), source: "test", type: Touch.type,
        app: "shop", data: EventData { $0.by = "ana" }))
    let request = try #require(board.requests.first)
    let admission = Admission(home: Home(root: "/nowhere"), board: board, operations: operations)
    #expect(throws: Cause(.appUnknown, "there is no app 'shop'")) {
      try admission.check(request, now: Timestamp(milliseconds: 2)) { _ throws(Cause) in
        throw Cause(.slugUnknown, "it needs no slug")
      }
    }
    let known = Admission(home: Home(root: "/nowhere"), board: board, operations: .standard)
    #expect(throws: Cause(.usage, "this version cannot carry out preview.renew.requested")) {
      try known.check(request, now: Timestamp(milliseconds: 2)) { _ throws(Cause) in
        throw Cause(.slugUnknown, "it needs no slug")
      }
    }
  }
}
