import Events

/// A change of an app's config vars. It makes a new release with the current slug.
public struct ChangeConfig: Operation {
  public static let type = EventType.configRequested
  public static let verb = "change of the config vars"
  public let app: String
  public let step: ConfigStep

  public init(app: String, _ step: ConfigStep) { (self.app, self.step) = (app, step) }

  public init?(app: String, data: EventData) {
    guard let step = ConfigStep(data) else { return nil }
    self.init(app: app, step)
  }

  public func describe(in data: inout EventData) { step.describe(in: &data) }

  public func check(on board: Board) throws(Refusal) {
    if board.apps[app]?.config != step.base { throw .configChanged(app: app) }
  }

  public func needs(on board: Board) -> Needs {
    Needs(slug: board.apps[app]?.currentRelease?.slug, config: step.config)
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    let isMade = app.releases.contains { $0.request == request.id } || app.config == step.config
    // Another change may have come first since this one was accepted.
    if !isMade, app.config != step.base {
      return .failed(Refusal.configChanged(app: app.name).cause)
    }
    if app.current == nil {
      return app.config == step.config ? .finished : .wants(.firstConfig(step.config))
    }
    return releaseProgress(of: request, on: app) {
      app.currentRelease.map {
        NewRelease(
          slug: $0.slug, config: step.config, set: step.set, unset: step.unset, commit: $0.commit,
          line: $0.line)
      }
    }
  }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Change the config vars of \(app.name)?",
      changes: [
        "Config vars that change: \(step.names).",
        app.current == nil
          ? "The first release will have them."
          : "This makes \(app.nextRelease), which is deployed like any other release.",
      ],
      undo: app.current.map { "Undo: roll back to \($0)." } ?? "Undo: change them again.")
  }
}
