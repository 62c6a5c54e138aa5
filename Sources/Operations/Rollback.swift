import Events

/// A rollback: a new release with the slug of an earlier one and its config vars. Secrets that changed since keep their
/// present values, because the services that they open have changed too.
public struct Rollback: Operation {
  public static let type = EventType.rollbackRequested
  public static let verb = "rollback"
  public let app: String
  /// The release to bring back; nil for the newest that was healthy and was not rolled back itself.
  public let release: ReleaseNumber?
  /// Whether its release phase runs. Migrations rarely work backwards.
  public let runsPhase: Bool
  /// Whether secrets get back their former values too.
  public let restoresSecrets: Bool

  public init(
    app: String, to release: ReleaseNumber? = nil, runsPhase: Bool = false,
    restoresSecrets: Bool = false
  ) {
    (self.app, self.release) = (app, release)
    (self.runsPhase, self.restoresSecrets) = (runsPhase, restoresSecrets)
  }

  public init?(app: String, data: EventData) {
    self.init(
      app: app, to: data.from, runsPhase: data.phase == true,
      restoresSecrets: data.kept?.isEmpty == true)
  }

  public func describe(in data: inout EventData) {
    data.from = release
    if runsPhase { data.phase = true }
    if restoresSecrets { data.kept = [] }
  }

  public var target: String? { release.map { "to \($0)" } }

  public func chosen(on board: Board) -> Rollback {
    Rollback(
      app: app, to: release ?? board.apps[app]?.previousRelease?.number, runsPhase: runsPhase,
      restoresSecrets: restoresSecrets)
  }

  public func check(on board: Board) throws(Refusal) {
    let app = try knownApp(on: board)
    if let release {
      // To the current one too: a deployment that was to replace it may have ended meanwhile.
      if app.release(release) == nil { throw .unknownRelease(release, app: app.name) }
      return
    }
    guard let current = app.current else { throw .noRelease(app: app.name) }
    if app.previousRelease == nil { throw .noPreviousRelease(current, app: app.name) }
  }

  public func needs(on board: Board) -> Needs {
    let old = board.apps[app].flatMap { $0.release(release) ?? $0.previousRelease }
    return Needs(slug: old?.slug, config: old?.config)
  }

  public func progress(of request: Board.Request, on app: Board.App) -> Progress {
    // The deployment that it was meant to leave has ended without replacing the release.
    if release != nil, release == app.current { return .finished }
    return releaseProgress(of: request, on: app) {
      (app.release(release) ?? app.previousRelease).map {
        NewRelease(
          slug: $0.slug, config: $0.config, keepsSecrets: !restoresSecrets, from: $0.number,
          commit: $0.commit, line: $0.line)
      }
    }
  }

  /// A rollback does not wait for what it makes pointless, such as a deployment that does not get ready.
  public func goesBefore(_ other: any Operation, of request: Board.Request) -> Bool {
    !(other is Stop || other is Cancel || other is Scale || Swift.type(of: other).isImmediate)
  }

  public func consequences(on app: Board.App) -> Consequences { consequences(on: app, check: nil) }

  /// - Parameter check: what the slugs and the config vars tell; nil as long as they are not read.
  public func consequences(on app: Board.App, check: RollbackCheck?) -> Consequences {
    guard let current = app.currentRelease,
      let old = app.release(release) ?? app.previousRelease
    else { return Consequences(question: "Roll \(app.name) back?", changes: [], undo: "") }
    var all =
      old.number == app.current
      ? endOfDeployment(app, old.number) : change(of: app, current, old, check)
    all.judgement = check?.judgement ?? ["The slugs are being compared."]
    all.verdict = check?.verdict
    return all
  }

  private func change(
    of app: Board.App, _ current: Board.Release, _ old: Board.Release, _ check: RollbackCheck?
  ) -> Consequences {
    let commit = old.commit.map { "\($0.prefix(7)) " } ?? ""
    var changes = [
      "This makes \(app.nextRelease) with \(old.number)'s slug and config vars."
    ]
    changes += check?.configChanges ?? ledgerChanges(from: current, to: old, in: app)
    changes += check?.codeChanges ?? []
    if runsPhase { changes.append("Its release phase runs.") }
    if let line = old.line { changes.append("\(old.number) is \(commit)\"\(line)\".") }
    return Consequences(
      question: "Roll \(app.name) back from \(current.number) to \(old.number)?",
      changes: changes + app.lossesByEndingTheDeployment,
      undo: "Undo: roll back again to \(current.number).")
  }

  private func ledgerChanges(
    from current: Board.Release, to old: Board.Release, in app: Board.App
  ) -> [String] {
    let config = ConfigDifference(from: current, to: old, in: app).sentence
    return restoresSecrets
      ? [config] : [config, "Secrets that changed since keep their present values."]
  }

  private func endOfDeployment(_ app: Board.App, _ current: ReleaseNumber) -> Consequences {
    let release = app.deployment.map { "\($0.release)" } ?? "the release"
    return Consequences(
      question: "Give up \(release) of \(app.name) and stay with \(current)?",
      changes: ["Its runs are stopped; \(current) goes on serving."]
        + app.lossesByEndingTheDeployment,
      undo: "Undo: deploy the slug again.")
  }
}
