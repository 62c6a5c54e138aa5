import Events

/// A change of an app's config vars. It makes a new release with the current slug.
public struct ChangeConfig: Operation {
  public static let type = EventType.configRequested
  public static let verb = "change of the config vars"
  public let app: String
  public let config: String
  /// The digest of the set that the change started from; nil if the app had none.
  public let base: String?
  public let set: [String]?
  public let unset: [String]?

  public init(app: String, config: String, base: String?, set: [String], unset: [String]) {
    (self.app, self.config, self.base) = (app, config, base)
    self.set = set.isEmpty ? nil : set.sorted()
    self.unset = unset.isEmpty ? nil : unset
  }

  public init?(app: String, data: EventData) {
    guard let config = data.config else { return nil }
    self.init(
      app: app, config: config, base: data.base, set: data.set ?? [], unset: data.unset ?? [])
  }

  public func describe(in data: inout EventData) {
    (data.config, data.base, data.set, data.unset) = (config, base, set, unset)
  }

  public func check(on board: Board) throws(Refusal) {
    if board.apps[app]?.config != base { throw .configChanged(app: app) }
  }

  public func needs(on board: Board) -> Needs {
    Needs(slug: board.apps[app]?.currentRelease?.slug, config: config)
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    let isMade = app.releases.contains { $0.request == request.id } || app.config == config
    // Another change may have come first since this one was accepted.
    if !isMade, app.config != base { return .failed(Refusal.configChanged(app: app.name).cause) }
    if app.current == nil {
      return app.config == config ? .finished : .wants(.firstConfig(config))
    }
    return releaseProgress(of: request, on: app) {
      app.currentRelease.map {
        NewRelease(
          slug: $0.slug, config: config, set: set, unset: unset, commit: $0.commit, line: $0.line)
      }
    }
  }

  public func consequences(on app: Board.App) -> Consequences {
    let names = ((set ?? []) + (unset ?? [])).joined(separator: ", ")
    return Consequences(
      question: "Change the config vars of \(app.name)?",
      changes: [
        "Config vars that change: \(names).",
        app.current == nil
          ? "The first release will have them."
          : "This makes \(app.nextRelease), which is deployed like any other release.",
      ],
      undo: app.current.map { "Undo: roll back to \($0)." } ?? "Undo: change them again.")
  }
}
