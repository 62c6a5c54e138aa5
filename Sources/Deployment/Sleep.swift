import Events
import HomeLayout
import Posix
import Router

/// When apps that may fall asleep had their last request, as far as this agent has seen.
struct Idleness {
  /// Moments on the monotonic clock.
  private var used: [String: Int64] = [:]
  private(set) var nextReading: Int64?

  /// Milliseconds between two readings; fewer for apps that are to sleep soon.
  private static let pause: Int64 = 600_000

  /// Notes when an app was used last, if that is later than what is known.
  mutating func note(_ app: String, at moment: Int64) { used[app] = max(used[app] ?? 0, moment) }

  mutating func forget(_ app: String) { used[app] = nil }

  /// - Returns: milliseconds without a request; nil if nothing is known.
  func idle(_ app: String, now: Int64) -> Int64? { used[app].map { now - $0 } }

  /// - Parameter shortest: milliseconds after which the first app may fall asleep; nil if none may.
  mutating func plan(shortest: Int64?, now: Int64) {
    nextReading = shortest.map { now + min(Self.pause, max(1000, $0 / 4)) }
  }
}

// Apps without requests fall asleep, and the next request wakes them.
extension Agent {
  /// Whether the app serves and may fall asleep.
  private func maySleep(_ app: Board.App) -> Bool {
    app.sleepsAfter != nil && app.asleep == nil && !app.isStopped && app.deployment == nil
      && app.preview?.isClosing != true
      && app.liveRuns.contains { $0.instance.process == ProcessType.web && $0.state == .ready }
      && !board.requests.contains { $0.app == app.name }
  }

  /// Reads when apps had their last request, at intervals and only while one may fall asleep.
  func followIdleness() throws(Cause) {
    let now = Clock.monotonic()
    let apps = board.apps.values.filter(maySleep)
    if let next = idleness.nextReading, now >= next {
      try readIdleness(of: apps, now)
    }
    let shortest = apps.compactMap(\.sleepsAfter).min()
    if shortest == nil || idleness.nextReading.map({ $0 <= now }) ?? true {
      idleness.plan(shortest: shortest, now: now)
    }
    loop.wake(.idleness, at: idleness.nextReading)
  }

  private func readIdleness(of apps: [Board.App], _ now: Int64) throws(Cause) {
    guard case .serving(let number) = router.phase else { return }
    let status = RouterStatus(of: home.router)
    let rows = try AdminSocket(showing: home.router, number: number).idleness()
    for app in apps {
      guard let after = app.sleepsAfter else { continue }
      if let row = rows[app.name] {
        if row.isOpen { idleness.note(app.name, at: now) }
        if let since = row.since { idleness.note(app.name, at: now - since) }
      }
      // A HAProxy that leaves counts by itself; websockets stay with it.
      if status?.left != nil, hasConnections(app) { idleness.note(app.name, at: now) }
      idleness.note(app.name, at: now - age(app))
      guard let idle = idleness.idle(app.name, now: now), idle >= after else { continue }
      try record(.appSlept, app: app.name) { $0.milliseconds = idle }
      idleness.forget(app.name)
    }
  }

  /// Milliseconds since the newest of its instances became ready. One that was just deployed is not idle yet.
  private func age(_ app: Board.App) -> Int64 {
    let ready = app.liveRuns.filter { $0.instance.process == ProcessType.web && $0.state == .ready }
    let newest = ready.map(\.since).max() ?? Timestamp(milliseconds: Clock.now())
    return max(0, Timestamp(milliseconds: Clock.now()) - newest)
  }

  private func hasConnections(_ app: Board.App) -> Bool {
    let ports = Set(app.liveRuns.compactMap(\.port))
    return !Listener.connected(inNetworkOf: Program.processID).isDisjoint(with: ports)
  }

  /// Takes the names of apps that clients ask for while they sleep.
  func takeWakes() throws(Cause) {
    guard let names = try? Files.list(home.router.wakes, skippingOthers: true) else { return }
    for name in names {
      // It is removed first: a request that comes later is told again.
      try? Files.remove(home.router.wakes + "/" + name)
      guard let app = board.apps[name], app.asleep != nil else { continue }
      try record(.appWoke, app: name) { _ in }
      changePreview(name)
    }
  }

  /// Watches for requests to sleeping apps.
  func watchWakes() {
    try? Files.makeFolder(home.router.wakes)
    wakeWatch = watchFolder(home.router.wakes)
  }
}
