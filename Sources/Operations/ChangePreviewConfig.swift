import Events

/// A change of the config vars that all previews of an app get when they are opened or updated.
public struct ChangePreviewConfig: Operation {
  public static let type = EventType.previewConfigRequested
  public static let verb = "change of the config vars of previews"
  public let app: String
  public let step: ConfigStep

  public init(app: String, _ step: ConfigStep) { (self.app, self.step) = (app, step) }

  public init?(app: String, data: EventData) {
    guard let step = ConfigStep(data) else { return nil }
    self.init(app: app, step)
  }

  public func describe(in data: inout EventData) { step.describe(in: &data) }

  public func check(on board: Board) throws(Refusal) {
    let app = try knownApp(on: board)
    if app.preview != nil { throw .previewOfPreview(app.name) }
    if app.previewConfig != step.base { throw .configChanged(app: app.name) }
  }

  public func needs(on board: Board) -> Needs { Needs(config: step.config) }

  public static var isImmediate: Bool { true }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress { .finished }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Change the config vars of the previews of \(app.name)?",
      changes: [
        "Config vars that change: \(step.names).",
        "A preview gets them when it is opened or updated the next time.",
      ],
      undo: "Undo: change them again.")
  }
}
