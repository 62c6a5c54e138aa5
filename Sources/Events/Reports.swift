import HomeLayout

/// Facts of an instance as `--json` prints them. `relctl` and `reltui` share this encoding.
public struct InstanceReport: Hashable, Codable, Sendable {
  public var app: String
  public var release: ReleaseNumber
  public var slug: String?
  public var process: String
  public var instance: InstanceName
  public var run: UInt64
  public var state: RunState
  public var since: Timestamp
  public var pid: Int32?
  public var port: UInt16?
  /// Where the router answers for the app, such as `http://shop.localhost:8080`.
  public var address: String?
  public var node: String?
  /// How many other nodes of the app its node is connected with; nil if it is the only one.
  public var peers: Int?
  public var host: String
  public var cause: Cause?
  public var by: String?
  /// Whether the run serves without its `relshim`, until its successor is ready; nil for no.
  public var unsupervised: Bool?
  /// How often the instance crashed in a row.
  public var crashes: Int?
  public var lastCrash: LastCrash?
  /// When the agent starts a crashed instance again.
  public var nextTry: Timestamp?
  /// Whether the agent has stopped restarting the instance; nil for no.
  public var abandoned: Bool?
  public var failed: FailedRelease?

  /// The live runs of an app, and the last ended run of each instance without a live one.
  public static func all(of app: Board.App, host: String) -> [InstanceReport] {
    let live = Set(app.liveRuns.map(\.instance))
    let wanted = Set(app.isStopped ? [] : Board.App.instances(of: app.formation))
    let down = wanted.subtracting(live)
    let shown = app.runs.filter { run in
      run.state.isLive
        || run.state == .crashed && down.contains(run.instance)
          && app.runs.last { $0.instance == run.instance }?.id == run.id
    }
    return shown.sorted { ($0.instance, $0.id) < ($1.instance, $1.id) }.map { run in
      let release = app.release(run.release)
      let crashes = app.crashes[run.instance]
      return InstanceReport(
        app: app.name, release: run.release, slug: release?.slug, process: run.instance.process,
        instance: run.instance, run: run.id, state: run.state, since: run.since, pid: run.pid,
        port: run.port, address: app.address, node: run.node, peers: run.peers, host: host,
        cause: run.cause,
        by: release?.by,
        unsupervised: run.isOrphan == true ? true : nil,
        crashes: crashes?.count,
        lastCrash: crashes.map { LastCrash(time: $0.last, cause: $0.cause) },
        nextTry: run.state == .crashed ? crashes?.nextTry : nil,
        abandoned: crashes?.isAbandoned == true ? true : nil, failed: FailedRelease(app))
    }
  }
}

extension InstanceReport {
  /// `ready`, `ready, unsupervised`, `crashed ×3`, `crashed ×8, left down`
  public var stateWords: String {
    if state == .ready, unsupervised == true { return "ready, unsupervised" }
    if state != .crashed { return state.rawValue }
    return state.rawValue + (crashes.map { " ×\($0)" } ?? "")
      + (abandoned == true ? ", left down" : "")
  }
}

public struct ReleaseReport: Hashable, Codable, Sendable {
  public var app: String
  public var release: ReleaseNumber
  public var isCurrent: Bool
  public var slug: String
  public var config: String
  public var time: Timestamp
  public var by: String?
  public var from: ReleaseNumber?
  /// The release of another app from which the slug was promoted.
  public var origin: AppRelease?
  public var commit: String?
  public var line: String?
  public var set: [String]?
  public var unset: [String]?
  public var cause: Cause?

  private enum CodingKeys: String, CodingKey {
    case app, release, slug, config, time, by, from, origin, commit, line, set, unset, cause
    case isCurrent = "current"
  }

  public init(_ release: Board.Release, of app: Board.App) {
    self.app = app.name
    self.release = release.number
    isCurrent = app.current == release.number
    (slug, config, time, by) = (release.slug, release.config, release.time, release.by)
    (from, origin) = (release.from, release.origin)
    (commit, line) = (release.commit, release.line)
    (set, unset) = (release.set, release.unset)
    cause = release.failure
  }

  /// What made the release, in a few words.
  public var reason: String {
    if let from { return "rollback to \(from)" }
    if let origin { return "promote from \(origin.words)" }
    let names = (set ?? []).map { "set \($0)" } + (unset ?? []).map { "unset \($0)" }
    if !names.isEmpty { return names.joined(separator: ", ") }
    return line.map { "deploy: \($0)" } ?? "deploy"
  }
}

/// One line of an app's output, with the run that wrote it.
public struct OutputLine: Hashable, Codable, Sendable {
  public var time: Timestamp
  public var app: String
  public var instance: InstanceName
  public var run: UInt64
  public var text: String

  public init(time: Timestamp, app: String, instance: InstanceName, run: UInt64, text: String) {
    (self.time, self.app, self.instance, self.run, self.text) = (time, app, instance, run, text)
  }
}

/// A span of time in one coarse word: `8s`, `12m`, `3h`, `2d`. It changes seldom.
public enum Age {
  public static func text(_ milliseconds: Int64) -> String {
    let seconds = max(0, milliseconds / 1000)
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m"
    case ..<172_800: return "\(seconds / 3600)h"
    default: return "\(seconds / 86_400)d"
    }
  }

  /// A duration in seconds: `12.4 s`.
  public static func seconds(_ milliseconds: Int64) -> String {
    let tenths = max(0, milliseconds) / 100
    return "\(tenths / 10).\(tenths % 10) s"
  }
}

/// A number of bytes in one coarse word: `812 kB`, `78 MB`, `1.2 GB`. It changes seldom.
public enum ByteCount {
  public static func text(_ bytes: Int) -> String {
    let bytes = max(0, bytes)
    if bytes < 1 << 20 { return "\(bytes >> 10) kB" }
    if bytes < 1 << 30 { return "\(bytes >> 20) MB" }
    let tenths = bytes / ((1 << 30) / 10)
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10) GB" : "\(bytes >> 30) GB"
  }
}
