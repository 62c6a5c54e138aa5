import Events
import ReleaseModel

extension AppJSON? {
  /// How a release with this app.json replaces another one. Numbers that make no sense are brought into range.
  var rollout: Board.Rollout {
    let own = self?.reltui
    let processes = (own?.processes ?? [:]).filter { ProcessType.isValid($0.key) }
    return Board.Rollout(
      observe: Int64(min(max(0, own?.observe ?? 10), 3600)) * 1000,
      exclusive: processes.filter { $0.value.exclusive == true }.keys.sorted(),
      hasStandby: own?.standby ?? true,
      batch: own?.batch.map { min(max(1, $0), Board.App.mostInstances) },
      isClustered: own?.cluster ?? true,
      drain: processes.compactMapValues { $0.drain.map { min(max(0, $0), 3600) * 1000 } })
  }
}

extension Board.Rollout {
  /// Writes it into the event that makes the release.
  func describe(in data: inout EventData) {
    data.observe = observe
    if !exclusive.isEmpty { data.exclusive = exclusive }
    if !hasStandby { data.standby = false }
    data.batch = batch
    if !isClustered { data.cluster = false }
    if !drain.isEmpty { data.drain = drain }
  }
}
