import Events

/// A cancellation of a request that is not done yet, or of all such requests of an app.
public struct Cancel: Operation {
  public static let type = EventType.cancelRequested
  public static let verb = "cancellation"
  public let app: String
  /// The id of the request; nil for all that are older than this one.
  public let request: String?

  public init(app: String, request: String? = nil) { (self.app, self.request) = (app, request) }
  public init?(app: String, data: EventData) { self.init(app: app, request: data.request) }
  public func describe(in data: inout EventData) { data.request = request }

  public func check(on board: Board) throws(Refusal) {
    let open = open(on: board)
    if open.isEmpty { throw .nothingToCancel(app: app) }
    let begun = open.compactMap { request in
      OperationTable.standard.operation(request).flatMap { Self.isBegun($0, request) ? $0 : nil }
    }
    if begun.count == open.count, let operation = begun.first { throw .begun(operation.sentence) }
  }

  /// Whether the request has changed what the app should be; another request changes it back.
  private static func isBegun(_ operation: any Operation, _ request: Board.Request) -> Bool {
    request.isAccepted
      && (operation is Scale || operation is Stop || Swift.type(of: operation).isImmediate)
  }

  private func open(on board: Board) -> [Board.Request] {
    board.requests.filter { other in
      other.app == app && other.type != Self.type && (request == nil || request == other.id)
    }
  }

  /// The requests that it was made for have ended by the time that it is carried out.
  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func goesBefore(_ other: any Operation, of request: Board.Request) -> Bool {
    !(other is Cancel) && !Self.isBegun(other, request)
      && (self.request == nil || self.request == request.id)
  }

  public func precedenceCause(by user: String) -> Cause {
    Cause(.requestCancelled, "cancelled by \(user)")
  }

  public func consequences(on app: Board.App) -> Consequences {
    guard let deployment = app.deployment else {
      return Consequences(
        question: "Cancel what is requested for \(app.name)?",
        changes: ["What was done until now stays; the rest is not done."],
        undo: "Undo: request it again.")
    }
    let old = deployment.former.map { "\($0.release)" } ?? "no release"
    return Consequences(
      question: "Cancel the deployment of \(deployment.release) of \(app.name)?",
      changes: [
        "Its runs are stopped; \(old) \(deployment.hasSwitched ? "takes over again" : "goes on serving")."
      ] + app.lossesByEndingTheDeployment,
      undo: "Undo: deploy the slug again.")
  }
}

extension Board.App {
  /// What may be left unfinished if the deployment ends now.
  var lossesByEndingTheDeployment: [String] {
    let isRunning = liveRuns.contains {
      $0.instance.process == ProcessType.release && $0.release == deployment?.release
    }
    guard isRunning, let deployment else { return [] }
    return [
      "The release phase of \(deployment.release) is running and is ended; a migration may be left unfinished."
    ]
  }
}
