import Events
import ReleaseModel

/// A deployment of a slug as the app's next release.
public struct Deploy: Operation {
  public static let type = EventType.deployRequested
  public static let verb = "deploy"
  public let app: String
  public let slug: String

  public init(app: String, slug: String) { (self.app, self.slug) = (app, slug) }

  public init?(app: String, data: EventData) {
    guard let slug = data.slug else { return nil }
    self.init(app: app, slug: slug)
  }

  public func describe(in data: inout EventData) { data.slug = slug }

  /// An app need not exist: its first release creates it.
  public func check(on board: Board) throws(Refusal) {}

  public func needs(on board: Board) -> Needs {
    Needs(slug: slug, config: board.apps[app]?.config)
  }

  public func check(_ manifest: Manifest, config: [String: String]) throws(Refusal) {
    let missing = manifest.missingConfig(in: config)
    if !missing.isEmpty { throw .configMissing(missing, app: app) }
    for (process, wanted) in (manifest.appJSON?.formation ?? [:]).sorted(by: { $0.key < $1.key }) {
      let count = wanted.quantity ?? 1
      if !(0...Board.App.mostInstances).contains(count) { throw .count(count, process: process) }
    }
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    releaseProgress(of: request, on: app) { NewRelease(slug: slug) }
  }

  public func consequences(on app: Board.App) -> Consequences {
    Consequences(
      question: "Deploy slug \(slug.prefix(12)) to \(app.name)?",
      changes: [
        "This makes \(app.nextRelease). It starts beside the release that runs and takes over when all its "
          + "instances are ready. If one of them crashes soon after that, the old release takes over again."
      ],
      undo: app.current.map { "Undo: roll back to \($0)." }
        ?? "Undo: stop \(app.name); it has no earlier release.")
  }
}

extension Operation {
  /// The progress of a request for a release: it is made first, then it becomes current.
  func releaseProgress(
    of request: Board.Request, on app: Board.App, _ new: () -> NewRelease?
  ) -> Progress {
    guard let release = app.releases.last(where: { $0.request == request.id }) else {
      return new().map { .wants(.release($0)) }
        ?? .failed(Cause(.releaseUnknown, "'\(app.name)' has no such release any more"))
    }
    if let failure = app.failure, failure.release == release.number {
      return .failed(failure.cause)
    }
    if app.current == release.number { return .finished }
    return .wants(.current(release.number))
  }
}
