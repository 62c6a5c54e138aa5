import ConfigStore
import Events
import HomeLayout
import JSONText
import Operations
import Posix
import Redaction

/// A helper program that does for a preview what would keep the agent from its loop.
struct PreviewHelper {
  let purpose: String
  let child: Child
  /// What it prints: a `PreviewOutcome`.
  let output: File
}

/// What a helper prints when it has ended.
public struct PreviewOutcome: Codable, Sendable {
  public var removed: [String]
  public var cause: Cause?

  public init(removed: [String] = [], cause: Cause? = nil) {
    (self.removed, self.cause) = (removed, cause)
  }

  var result: Result<[String], Cause> { cause.map { .failure($0) } ?? .success(removed) }
}

/// The previews that helpers work for, and what they have found.
struct PreviewHelpers {
  /// The purpose of a helper that removes a preview; others work for a request, which its id names.
  static let removal = "removal"

  var running: [String: PreviewHelper] = [:]
  private var tasks: [String: (purpose: String, task: PreviewTask)] = [:]

  /// What is known of the work for a purpose. While a helper works for another one, it is waited for.
  private func task(of app: String, for purpose: String) -> PreviewTask? {
    if running[app] != nil { return .running }
    return tasks[app].flatMap { $0.purpose == purpose ? $0.task : nil }
  }

  func tasks(of app: String) -> (String) -> PreviewTask? {
    { task(of: app, for: $0) }
  }

  mutating func note(_ task: PreviewTask?, of app: String, for purpose: String = removal) {
    tasks[app] = task.map { (purpose, $0) }
  }
}

// Performs what is planned for previews.
extension Agent {
  /// Milliseconds until what could not be removed is tried again.
  private static let removalPause: Int64 = 60_000

  func provide(_ slug: String, for request: Board.Request, _ app: Board.App) throws(Cause) {
    let manifest = try manifests.manifest(slug).forPreview
    let store = AddOnStore(home: home, app: app.name)
    if manifest.appJSON?.addons?.isEmpty ?? true, try store.load().isEmpty {
      previews.note(.ended(.success([])), of: app.name, for: request.id)
    } else {
      try startHelper(["provide", app.name, slug], for: app.name, request.id)
    }
  }

  func removePreview(_ app: Board.App) throws(Cause) {
    try startHelper(["remove", app.name], for: app.name, PreviewHelpers.removal)
  }

  private func startHelper(_ words: [String], for app: String, _ purpose: String) throws(Cause) {
    do throws(PosixError) {
      // A helper of an agent that was killed ends with it, so that two never work for one preview.
      let output = try File.holding([])
      let child = try Child.start(
        launcher.previewHelper(words), output: .file(output), errors: .inherited, newSession: true,
        deathSignal: .term)
      previews.running[app] = PreviewHelper(purpose: purpose, child: child, output: output)
    } catch { throw Cause(error) }
  }

  /// Takes over what helpers that have ended have found.
  func reapPreviewHelpers() {
    for (app, helper) in previews.running {
      guard let exit = helper.child.exitIfEnded() else { continue }
      let printed = (try? helper.output.read(upTo: 1 << 16, at: 0)) ?? []
      let outcome = try? JSON.decode(PreviewOutcome.self, from: printed)
      previews.running[app] = nil
      let result =
        outcome?.result
        ?? .failure(Cause(.system, "the helper for the preview '\(app)' ended with \(exit)"))
      previews.note(.ended(result), of: app, for: helper.purpose)
      changePreview(app)
    }
  }

  func rest(_ app: Board.App) {
    let moment = Timestamp(milliseconds: Clock.now()) + Self.removalPause
    previews.note(.resting(until: moment, after: board.sequence), of: app.name)
  }

  func makeConfig(of slug: String, for request: Board.Request, _ app: Board.App) throws(Cause) {
    previews.note(nil, of: app.name)
    do throws(Cause) {
      let maker = PreviewConfig(home: home, board: board, app: app)
      let set = try maker.set(for: try manifests.manifest(slug).forPreview)
      let digest = try ConfigSets(home: home, app: app.name).save(set)
      let base = app.preview.flatMap { board.apps[$0.parent]?.previewConfig }
      try record(.configChanged, app: app.name) {
        ($0.config, $0.request, $0.by) = (digest, request.id, request.data.by)
        $0.base = base
      }
    } catch {
      // A failed call may succeed the next time.
      if error.id == ProblemID.system.rawValue || error.isOfFullDisk { throw error }
      try record(.requestFailed, app: app.name) { ($0.request, $0.cause) = (request.id, error) }
    }
  }

  func recordOpened(_ request: Board.Request, _ app: Board.App) throws(Cause) {
    try record(.previewOpened, app: app.name) {
      ($0.request, $0.by, $0.release) = (request.id, request.data.by, app.current)
      ($0.parent, $0.pull) = (app.preview?.parent, app.preview?.pull)
    }
  }

  func recordClosed(_ removed: [String], _ app: Board.App) throws(Cause) {
    let gone = ["address \(app.localHost)"] + removed
    let request = board.requests.first {
      $0.app == app.name && $0.type == .previewCloseRequested && $0.isAccepted
    }
    try record(.previewClosed, app: app.name) {
      ($0.parent, $0.pull) = (app.preview?.parent, app.preview?.pull)
      ($0.request, $0.by, $0.removed) = (request?.id, request?.data.by, gone)
    }
    previews.note(nil, of: app.name)
    forget(app.name)
  }

  /// Asks for the end of previews whose lease has ended.
  func closeExpired() throws(Cause) {
    let (now, clock) = (Clock.monotonic(), Timestamp(milliseconds: Clock.now()))
    var next: Int64?
    for app in board.apps.values {
      guard let preview = app.preview, !preview.isClosing, let until = preview.until else {
        continue
      }
      let left = until - clock
      if left > 0 {
        next = min(next ?? .max, left)
      } else if !board.requests.contains(where: {
        $0.app == app.name && $0.type == .previewCloseRequested
      }) {
        let operation = ClosePreview(app: app.name)
        let data = operation.request(by: "lease", now: clock)
        try record(.previewCloseRequested, app: app.name) { $0 = data }
      }
    }
    // The clock may be set meanwhile.
    loop.wake(.leases, at: next.map { now + min($0, 3_600_000) })
  }
}
