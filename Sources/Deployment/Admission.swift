import ConfigStore
import Events
import HomeLayout
import Operations
import ReleaseModel
import SlugStore

/// The check whether a request can be carried out, made once before anything changes.
public struct Admission {
  let home: Home
  let board: Board
  let operations: OperationTable

  public init(home: Home, board: Board, operations: OperationTable = .standard) {
    (self.home, self.board, self.operations) = (home, board, operations)
  }

  /// - Throws: the reason for a refusal.
  func check(
    _ request: Board.Request, now: Timestamp, manifest: (String) throws(Cause) -> Manifest
  ) throws(Cause) {
    guard let operation = operations.operation(request) else {
      throw AppReconciler.unknown(request)
    }
    if type(of: operation).isGivenUp, let deadline = request.data.deadline, deadline < now {
      throw Cause(
        .requestExpired, "the request came to its deadline before an agent took it",
        remedy: "Try again.")
    }
    _ = try check(operation, manifest: manifest)
  }

  /// - Throws: the reason why the operation is not possible now.
  /// - Returns: why it may fail.
  public func check(
    _ operation: any Operation, manifest: (String) throws(Cause) -> Manifest
  ) throws(Cause) -> [Cause] {
    do throws(Refusal) { try operation.check(on: board) } catch { throw error.cause }
    let needs = operation.needs(on: board)
    let config = try needs.config.map { digest throws(Cause) in
      try ConfigSets(home: home, app: operation.app).load(digest).values
    }
    guard let slug = needs.slug else { return [] }
    let found = try manifest(slug).fit(for: board.apps[operation.app])
    if store.mayBeOfFork(slug), !mayHaveForks(operation) {
      throw Refusal.forkSlug(slug, app: operation.app).cause
    }
    do throws(Refusal) { try operation.check(found, config: config ?? [:]) } catch {
      throw error.cause
    }
    guard needs.areForRelease else { return [] }
    let findings = preflight(operation, slug, found, config: Set((config ?? [:]).keys)).findings()
    if let refusal = Preflight.refusal(for: findings) { throw refusal }
    return findings.map(\.cause)
  }

  private var store: StoredSlugs { StoredSlugs(home: home) }

  /// Whether it is for a preview of a fork, the only app that gets a fork's code.
  private func mayHaveForks(_ operation: any Operation) -> Bool {
    (operation as? OpenPreview)?.isFork ?? (board.apps[operation.app]?.preview?.isFork == true)
  }

  private func preflight(
    _ operation: any Operation, _ slug: String, _ manifest: Manifest, config: Set<String>
  ) -> Preflight {
    let app =
      board.apps[operation.app] ?? Board.App(name: operation.app, changed: board.time)
    return Preflight(
      of: slug, manifest, home: home, app: app.name, formation: manifest.formation(for: app),
      runsPhase: (operation as? Rollback)?.runsPhase ?? true, config: config)
  }
}
