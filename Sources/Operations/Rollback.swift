import Events

/// A rollback: a new release with the slug and the config vars of an earlier one.
public struct Rollback: Operation {
  public static let type = EventType.rollbackRequested
  public static let verb = "rollback"
  public let app: String
  /// The release to bring back; nil for the newest before the current one that ran.
  public let release: ReleaseNumber?

  public init(app: String, to release: ReleaseNumber? = nil) {
    (self.app, self.release) = (app, release)
  }

  public init?(app: String, data: EventData) { self.init(app: app, to: data.from) }
  public func describe(in data: inout EventData) { data.from = release }
  public var target: String? { release.map { "to \($0)" } }

  public func chosen(on board: Board) -> Rollback {
    Rollback(app: app, to: release ?? board.apps[app]?.previousRelease?.number)
  }

  public func check(on board: Board) throws(Refusal) {
    let app = try knownApp(on: board)
    if let release {
      if app.release(release) == nil { throw .unknownRelease(release, app: app.name) }
      // While another release is being deployed, an operator may already request to return to the current one.
      if release == app.current, app.deployment == nil { throw .isCurrent(release, app: app.name) }
      return
    }
    guard let current = app.current else { throw .noRelease(app: app.name) }
    // The outcome of a deployment decides which release is the previous one.
    if let deployment = app.deployment { throw .deploying(deployment.release, app: app.name) }
    if app.previousRelease == nil { throw .noPreviousRelease(current, app: app.name) }
  }

  public func needs(on board: Board) -> Needs {
    let old = board.apps[app].flatMap { $0.release(release) ?? $0.previousRelease }
    return Needs(slug: old?.slug, config: old?.config)
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    releaseProgress(of: request, on: app) {
      (app.release(release) ?? app.previousRelease).map {
        NewRelease(
          slug: $0.slug, config: $0.config, from: $0.number, commit: $0.commit, line: $0.line)
      }
    }
  }

  public func consequences(on app: Board.App) -> Consequences {
    guard let current = app.currentRelease,
      let old = app.release(release) ?? app.previousRelease
    else { return Consequences(question: "Roll \(app.name) back?", changes: [], undo: "") }
    let config = ConfigDifference(from: current, to: old, in: app).sentence
    let commit = old.commit.map { "\($0.prefix(7)) " } ?? ""
    return Consequences(
      question: "Roll \(app.name) back from \(current.number) to \(old.number)?",
      changes: [
        "This makes \(app.nextRelease) with \(old.number)'s slug and config vars.", config,
      ] + (old.line.map { ["\(old.number) is \(commit)\"\($0)\"."] } ?? []),
      undo: "Undo: roll back again to \(current.number).")
  }
}
