import HomeLayout

/// One element of the list that `ps --json` prints: an instance, or an app of which there is no
/// instance to show. An element has `instance` in the first case only.
public enum StateReport: Hashable, Sendable {
  case instance(InstanceReport)
  case app(AppReport)

  public static func all(of app: Board.App, host: String) -> [StateReport] {
    let instances = InstanceReport.all(of: app, host: host)
    return instances.isEmpty ? [.app(AppReport(app, host: host))] : instances.map(Self.instance)
  }

  /// Of all apps, by name.
  public static func all(of board: Board, host: String) -> [StateReport] {
    board.apps.values.sorted { $0.name < $1.name }.flatMap { all(of: $0, host: host) }
  }

  public var instance: InstanceReport? {
    if case .instance(let report) = self { report } else { nil }
  }
}

extension StateReport: Codable {
  private enum CodingKeys: String, CodingKey { case instance }

  public init(from decoder: any Decoder) throws {
    let isInstance = try decoder.container(keyedBy: CodingKeys.self).contains(.instance)
    self =
      isInstance
      ? .instance(try InstanceReport(from: decoder)) : .app(try AppReport(from: decoder))
  }

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .instance(let report): try report.encode(to: encoder)
    case .app(let report): try report.encode(to: encoder)
    }
  }
}

/// Facts of an app of which there is no instance to show: it is stopped, scaled to none, or was
/// never deployed. Its fields have the names and the meaning of those of `InstanceReport`.
public struct AppReport: Hashable, Codable, Sendable {
  public var app: String
  /// The current release; nil if none ever was.
  public var release: ReleaseNumber?
  public var slug: String?
  public var state: RunState
  public var since: Timestamp
  /// Where the router answers for the app, such as `http://shop.localhost:8080`.
  public var address: String?
  public var host: String
  public var cause: Cause?
  public var by: String?
  /// Since when it sleeps; the next request wakes it. Nil if it does not.
  public var asleep: Timestamp?
  public var failed: FailedRelease?

  public init(_ app: Board.App, host: String) {
    let current = app.currentRelease
    asleep = app.asleep
    (self.app, release, self.host) = (app.name, app.current, host)
    address = app.address
    (slug, by) = (current?.slug, current?.by)
    (state, since) = (app.summary.state, app.changed)
    (cause, failed) = (app.deployment?.cause ?? app.failure?.cause, FailedRelease(app))
  }
}

/// The release whose deployment failed, if it was the app's last deployment.
public struct FailedRelease: Hashable, Codable, Sendable {
  public var release: ReleaseNumber
  public var slug: String?
  public var time: Timestamp
  public var by: String?
  public var cause: Cause

  public init?(_ app: Board.App) {
    guard let failure = app.failure else { return nil }
    let release = app.release(failure.release)
    (self.release, slug, by) = (failure.release, release?.slug, release?.by)
    (time, cause) = (failure.time, failure.cause)
  }
}

/// The last crash of an instance, until it has been ready for a minute.
public struct LastCrash: Hashable, Codable, Sendable {
  public var time: Timestamp
  public var cause: Cause?
}

extension Board.Crashes {
  /// Milliseconds from the last crash to the next start: 0.5 s, 1 s, 2 s and so on, up to a minute.
  public var pause: Int64 { min(60_000, 250 << Int64(min(max(count, 1), 10))) }

  /// When the agent starts the instance again; nil if it does not.
  public var nextTry: Timestamp? { isAbandoned ? nil : last + pause }
}
