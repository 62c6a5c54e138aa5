import Events

/// Whether an app owes its users an answer: it was ready, no stop was accepted, and not every run that could answer was
/// killed by the test.
struct OwedService {
  /// The ready runs of each `web` instance, the newest last. The last one stays when it ends: the agent must not end it.
  private var ready: [InstanceName: [UInt64]] = [:]
  /// Runs whose process or `relshim` the test has killed.
  private var killed: Set<UInt64> = []

  mutating func kill(_ run: UInt64) { killed.insert(run) }

  /// Takes in an event that the app's board has taken in already.
  mutating func take(_ event: Event, _ app: Board.App) {
    if let instance = event.data.instance, let run = event.data.run, instance.process == "web" {
      switch event.type {
      case .instanceReady: ready[instance] = live(instance, app) + [run]
      case .instanceStopping, .instanceStopped, .instanceCrashed:
        if ready[instance, default: []].count > 1 { ready[instance]?.removeAll { $0 == run } }
      default: break
      }
    }
    let wanted = max(app.formation["web"] ?? 0, app.deployment?.formation["web"] ?? 0)
    ready = ready.filter { $0.key.index <= wanted }
    if app.isStopped, app.deployment == nil { ready = [:] }
  }

  private func live(_ instance: InstanceName, _ app: Board.App) -> [UInt64] {
    ready[instance, default: []].filter { app.run($0)?.state.isLive == true }
  }

  func isOwed(by app: Board.App) -> Bool {
    !app.isStopped && app.preview?.isClosing != true
      && ready.values.contains { $0.last.map { !killed.contains($0) } ?? false }
  }
}
