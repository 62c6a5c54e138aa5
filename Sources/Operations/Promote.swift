import Events
import ReleaseModel

/// A promotion: the slug of one app's release becomes the next release of another app, with the
/// other app's config vars.
public struct Promote: Operation {
  public static let type = EventType.promoteRequested
  public static let verb = "promotion"
  public let app: String
  public let slug: String
  /// The release whose slug it is.
  public let origin: AppRelease

  public init(app: String, slug: String, origin: AppRelease) {
    (self.app, self.slug, self.origin) = (app, slug, origin)
  }

  /// The promotion of the release that is current in `source` now.
  public init(from source: String, to app: String, on board: Board) throws(Refusal) {
    if source == app { throw .sameApp(app) }
    guard let known = board.apps[source] else { throw .noApp(source) }
    guard let current = known.currentRelease else { throw .noRelease(app: source) }
    self.init(
      app: app, slug: current.slug, origin: AppRelease(app: source, release: current.number))
  }

  public init?(app: String, data: EventData) {
    guard let slug = data.slug, let origin = data.origin else { return nil }
    self.init(app: app, slug: slug, origin: origin)
  }

  public func describe(in data: inout EventData) { (data.slug, data.origin) = (slug, origin) }

  public var target: String? { "from \(origin.words)" }

  /// The app that gets the slug need not exist: its first release creates it.
  public func check(on board: Board) throws(Refusal) {
    if origin.app == app { throw .sameApp(app) }
    guard let source = board.apps[origin.app] else { throw .noApp(origin.app) }
    if source.preview?.isFork == true { throw .forkPromoted(source.name) }
    guard source.release(origin.release)?.slug == slug else {
      throw .unknownRelease(origin.release, app: origin.app)
    }
  }

  /// Apart from where the slug comes from, a promotion is a deployment.
  private var deploy: Deploy { Deploy(app: app, slug: slug) }

  public func needs(on board: Board) -> Needs { deploy.needs(on: board) }

  public func check(_ manifest: Manifest, config: [String: String]) throws(Refusal) {
    try deploy.check(manifest, config: config)
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    releaseProgress(of: request, on: app) { NewRelease(slug: slug, origin: origin) }
  }

  public func consequences(on app: Board.App) -> Consequences {
    var consequences = deploy.consequences(on: app)
    consequences.question = "Promote \(origin.words) to \(app.name)?"
    consequences.changes.insert(
      "The slug of \(origin.words) runs with the config vars of \(app.name).", at: 0)
    return consequences
  }
}
