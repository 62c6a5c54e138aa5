import CommandLine
import Events
import Journal
import Operations

extension Command {
  static let cancel = Command(
    CommandSyntax(
      "cancel", "APP|REQUEST", count: 1...1, "end a request before it is done",
      details: """
        With an app's name, all its open requests end. A deployment's new runs are stopped and the old
        release goes on serving; in its observation the old release takes over again. A release phase
        that runs gets SIGTERM, which may leave a migration unfinished.
        """,
      options: [.detach, .json])
  ) { call throws(Cause) in
    let (app, request) = try call.openRequest()
    return try call.request(Cancel(app: app, request: request?.id))
  }

  static let attach = Command(
    CommandSyntax(
      "attach", "APP|REQUEST", count: 1...1, "wait for a request that is not done yet",
      details:
        "Shows its progress from now on, and ends as it ends. Ctrl-C leaves the request as it is.",
      options: [.until, .json])
  ) { call throws(Cause) in
    let board = try call.board()
    let (app, named) = try call.openRequest()
    guard let request = named ?? board.requests.last(where: { $0.app == app }) else {
      throw Refusal.nothingToCancel(app: app).cause
    }
    let wait = CommandCall.Wait(
      id: request.id, sequence: board.sequence, app: app, since: board.time,
      deadline: request.data.deadline, end: try call.endOfWait())
    return try call.waitForOutcome(
      of: wait, EventJournal(home: try call.home(), program: "relctl"), hasWarned: false)
  }
}

extension CommandCall {
  /// The app that the argument names, or the open request whose id begins with it.
  fileprivate func openRequest() throws(Cause) -> (app: String, request: Board.Request?) {
    let (board, word) = (try board(), positional(0))
    if board.apps[word] != nil || board.requests.contains(where: { $0.app == word }) {
      return (word, nil)
    }
    let found = board.requests.filter { word.utf8.count >= 6 && $0.id.hasPrefix(word) }
    guard let request = found.first, found.count == 1 else {
      throw Cause(
        .requestUnknown, "'\(word)' is neither an app nor a request that is not done yet",
        remedy: "See the apps with: relctl ps")
    }
    return (request.app, request)
  }
}
