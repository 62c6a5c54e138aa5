import Events
import HomeLayout
import Router

/// How requests move from old runs of an app to new ones, for a command that waits.
struct TrafficProgress {
  private let folder: RouterFolder
  private let app: String
  /// Which runs take requests, and which finish those that they have; nil before the first look.
  private var states: [UInt64: RouterConfig.Slot.State]?

  init(_ home: Home, app: String) { (folder, self.app) = (home.router, app) }

  /// What has changed since the last look: `web.1 (run 19) takes requests`
  mutating func look(_ board: Board) -> [String] {
    guard let runs = board.apps[app]?.runs, let config = RouterConfig(told: folder) else {
      return []
    }
    let ports = config.states(of: app)
    let now = runs.reduce(into: [:]) { states, run in
      states[run.id] = run.port.flatMap { ports[$0] }
    }
    defer { states = now }
    guard let states else { return [] }
    return runs.compactMap { run in
      if states[run.id] == now[run.id] { return nil }
      switch now[run.id] {
      case .open: return "\(run.instance) (run \(run.id)) takes requests"
      case .draining: return "\(run.instance) (run \(run.id)) finishes its requests"
      case .off, nil: return nil
      }
    }
  }
}
