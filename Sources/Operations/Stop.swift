import Events

/// A stop of all instances of an app; its releases, config vars and formation stay.
public struct Stop: Operation {
  public static let type = EventType.stopRequested
  public static let verb = "stop"
  public let app: String

  public init(app: String) { self.app = app }
  public init?(app: String, data: EventData) { self.init(app: app) }

  public func check(on board: Board) throws(Refusal) { _ = try knownApp(on: board) }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    app.liveRuns.isEmpty ? .finished : .wants(.formation)
  }

  /// A stop takes precedence over all other requests that make the app run, so that the operator need not wait for them.
  public func goesBefore(_ other: any Operation, of request: Board.Request) -> Bool {
    !(other is Stop || other is Cancel || Swift.type(of: other).isImmediate)
  }
  public static var isGivenUp: Bool { false }

  public func consequences(on app: Board.App) -> Consequences {
    let count = app.liveRuns.count
    return Consequences(
      question: "Stop \(app.name)?",
      changes: [
        count == 1 ? "Its run is stopped." : "Its \(count) runs are stopped.",
        "It serves no requests until it is restarted.",
      ] + app.lossesByEndingTheDeployment,
      undo: "Undo: restart \(app.name).")
  }
}
