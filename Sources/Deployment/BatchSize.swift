import Events
import HomeLayout
import Instance
import Posix
import ReleaseModel

/// How many instances a deployment replaces at the same time, if not all at once, and why.
struct BatchSize: Equatable {
  var count: Int
  var reason: String

  /// The part of the host's memory that a deployment leaves free.
  private static let reservePart = 20

  /// - Parameters:
  ///   - formation: the instances that the new release will have.
  ///   - bytes: the memory of one run that is ready now, by process type.
  ///   - memory: the host's; nil if it is not known.
  /// - Returns: nil if all new runs start beside the old ones.
  static func of(
    _ app: Board.App, _ rollout: Board.Rollout, formation: [String: Int], bytes: [String: Int],
    memory: (total: Int, available: Int)?
  ) -> BatchSize? {
    guard app.current != nil, !app.liveRuns.isEmpty else { return nil }
    let beside = Board.App.instances(of: formation).filter {
      app.mayRunBesideCurrent($0.process, replacing: rollout)
    }
    if let count = rollout.batch {
      return count < beside.count ? BatchSize(count: count, reason: "as app.json says") : nil
    }
    let needed = beside.reduce(0) { $0 + (bytes[$1.process] ?? 0) }
    guard let memory, beside.count > 1, needed > 0 else { return nil }
    let free = max(0, memory.available - memory.total / reservePart)
    if needed <= free { return nil }
    return BatchSize(
      count: 1, reason: "a second set needs \(needed >> 20) MB, and \(free >> 20) MB are free")
  }

  /// The same for an app of this host.
  static func of(
    _ app: Board.App, _ rollout: Board.Rollout, formation: [String: Int], home: Home
  ) -> BatchSize? {
    var bytes: [String: Int] = [:]
    for run in app.liveRuns where run.state == .ready {
      let process = run.instance.process
      if bytes[process] != nil || formation[process] == nil { continue }
      bytes[process] = memory(of: home.app(app.name).run(run.instance.description, run.id))
    }
    return of(app, rollout, formation: formation, bytes: bytes, memory: HostLimits.memory)
  }

  /// The resident memory of a run's processes; 0 if it is not known.
  private static func memory(of folder: RunFolder) -> Int {
    guard let process = (try? RunObservation(folder))?.status?.processIdentity, process.isAlive,
      let own = ProcessTable.stat(process.pid)
    else { return 0 }
    return ([own] + ProcessTable.descendants(of: process.pid)).reduce(0) { $0 + $1.resident }
  }
}

extension Manifest {
  /// The instances that a deployment of the slug gives an app. Counts that an operator chose are kept; process types
  /// that are new get the slug's default.
  func formation(for app: Board.App) -> [String: Int] {
    let wanted = defaultFormation.merging(
      app.formation.filter { defaultFormation[$0.key] != nil }
    ) { $1 }
    if app.preview == nil { return wanted }
    // A pull request must not fill the host.
    var left = Board.Preview.mostInstances
    return wanted.sorted { InstanceName($0.key, 1) < InstanceName($1.key, 1) }.reduce(into: [:]) {
      $0[$1.key] = min($1.value, left)
      left -= $0[$1.key] ?? 0
    }
  }
}
