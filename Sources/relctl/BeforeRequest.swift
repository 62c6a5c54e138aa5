import CommandLine
import Deployment
import Events
import HomeLayout
import Journal
import Operations
import Posix
import SlugStore

// What is known before a request is appended.
extension CommandCall {
  /// The reasons why an operation may fail.
  /// - Throws: the reason why the agent would reject it.
  func warnings(for operation: any Operation, on board: Board) throws(Cause) -> [Cause] {
    do throws(Refusal) { try operation.check(on: board) } catch { throw error.cause }
    // Requests that are not done may change what this one finds; the agent checks it when its turn comes.
    if board.requests.contains(where: { $0.app == operation.app }) { return [] }
    let home = try home()
    return try Admission(home: home, board: board).check(operation) { slug throws(Cause) in
      try StoredSlugs(home: home).manifest(slug)
    }
  }

  func tell(_ warnings: [Cause]) {
    for warning in warnings {
      let lines =
        [" !     " + shown(warning.sentence)]
        + (warning.remedy.map { ["       " + shown($0)] } ?? [])
      for line in lines { if wantsJSON { context.note(line) } else { context.print(line) } }
    }
  }

  /// Records in the log that an operation was refused before it became a request, so that the causes of a day can be
  /// counted. A mistake in the command is not recorded, nor is a conflict, after which the command tries again. If the
  /// log cannot be written, the refusal itself is what the operator must see.
  func recorded(_ cause: Cause, against operation: any Operation) -> Cause {
    guard let id = ProblemID(rawValue: cause.id), !id.isMistake, id != .configConflict,
      let home = try? home()
    else { return cause }
    let now = Timestamp(milliseconds: Clock.now())
    var data = operation.request(by: user, now: now)
    (data.deadline, data.action, data.cause) = (nil, type(of: operation).type.rawValue, cause)
    _ = try? EventJournal(home: home, program: "relctl").append(
      .requestRefused, app: operation.app, data)
    return cause
  }
}
