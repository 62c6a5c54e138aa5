import Events

/// Answers the requests of an app's clients with a message, or lets the app answer them again. The instances run on.
public struct ChangeMaintenance: Operation {
  public static let type = EventType.maintenanceRequested
  public static let verb = "maintenance"
  public let app: String
  public let isOn: Bool
  /// What clients read; nil for the standard message.
  public let message: String?

  /// Bytes of a message.
  public static let longest = 500

  public init(app: String, on isOn: Bool, message: String? = nil) {
    (self.app, self.isOn, self.message) = (app, isOn, message)
  }

  public init?(app: String, data: EventData) {
    guard let action = data.action, ["on", "off"].contains(action) else { return nil }
    self.init(app: app, on: action == "on", message: data.message)
  }

  public func describe(in data: inout EventData) {
    (data.action, data.message) = (isOn ? "on" : "off", message)
  }

  public var target: String? { isOn ? "on" : "off" }

  public func check(on board: Board) throws(Refusal) {
    _ = try deployedApp(on: board)
    if let message, message.utf8.count > Self.longest { throw .message(bytes: message.utf8.count) }
  }

  /// The board has it since the request was accepted, and the agent tells the router before it looks further.
  public static var isImmediate: Bool { true }
  public static var changesRouter: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: isOn ? "Begin maintenance of \(app.name)?" : "End maintenance of \(app.name)?",
      changes: [
        isOn
          ? "Every request gets 503 and the message; the instances run on, and can be deployed and restarted."
          : "The app answers its requests again."
      ],
      undo: "Undo: relctl maintenance \(app.name) \(isOn ? "off" : "on")")
  }
}
