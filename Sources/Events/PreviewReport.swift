import HomeLayout

/// Facts of a preview, as `relctl preview list --json` prints them.
public struct PreviewReport: Hashable, Codable, Sendable {
  public enum State: String, Codable, Sendable {
    /// It was never deployed.
    case new
    case starting, ready, unready, crashed, stopped
    /// Without an instance until the next request.
    case asleep
    case closing
    /// Something of it could not be removed.
    case leftover
  }

  public var app: String
  public var parent: String
  /// The number of the pull request.
  public var pull: Int
  public var fork: Bool
  public var state: State
  /// Where it is reached; nil while no router runs.
  public var url: String?
  public var release: ReleaseNumber?
  public var slug: String?
  public var commit: String?
  /// The subject line of the commit.
  public var line: String?
  public var by: String?
  /// When the release was made.
  public var time: Timestamp?
  /// When the lease ends; nil if it is pinned.
  public var until: Timestamp?
  public var pinned: Bool
  public var opened: Timestamp?
  public var cause: Cause?

  /// - Returns: nil if the app is no preview.
  public init?(_ app: Board.App, now: Timestamp) {
    guard let preview = app.preview else { return nil }
    (self.app, parent, pull, fork) = (app.name, preview.parent, preview.pull, preview.isFork)
    let release = app.currentRelease ?? app.release(app.deployment?.release)
    (self.release, slug, time) = (release?.number, release?.slug, release?.time)
    (commit, line, by) = (release?.commit, release?.line, release?.by)
    (url, until, pinned) = (app.address, preview.until, preview.isPinned)
    opened = preview.opened
    cause = preview.leftover ?? app.worstCause(at: now)
    state = Self.state(of: app, preview)
  }

  private static func state(of app: Board.App, _ preview: Board.Preview) -> State {
    if preview.isClosing { return preview.leftover == nil ? .closing : .leftover }
    if app.releases.isEmpty { return .new }
    switch app.summary.state {
    case .starting, .booting: return .starting
    case .ready: return .ready
    case .unready: return .unready
    case .crashed: return .crashed
    case .stopping, .stopped: return app.asleep == nil ? .stopped : .asleep
    }
  }

  /// How long it stays: `6d left`, `pinned`.
  public func leaseText(at now: Timestamp) -> String {
    guard let until else { return "pinned" }
    let left = until - now
    if left <= 0 { return "over" }
    // To the nearest day or hour: a lease that has just begun has all of its days.
    let half: Int64 = left >= 172_800_000 ? 43_200_000 : left >= 3_600_000 ? 1_800_000 : 0
    return "\(Age.text(left + half)) left"
  }
}
