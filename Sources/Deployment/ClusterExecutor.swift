import Events
import HomeLayout
import Instance
import Posix

/// The agent's state for the cluster of an app.
struct WatchedCluster {
  var cluster = Cluster()
  var visit: (member: Cluster.Member, visit: ClusterVisit)?
  /// What the runs' folders say of their peers.
  var toldPeers: [UInt64: Int] = [:]

  var interests: [Poll.Interest] { visit?.visit.interests ?? [] }

  /// When to go on with the cluster, on the monotonic clock.
  var nextTick: Int64? { visit?.visit.nextTick ?? cluster.nextVisit }
}

// Keeps the nodes of an app's ready runs connected with each other.
extension Agent {
  /// Follows which runs of the app are ready.
  func followCluster(of app: Board.App) throws(Cause) {
    let members = clusterMembers(of: app)
    if members.count < 2, app.split != nil {
      return try record(.clusterJoined, app: app.name) { _ in }
    }
    guard clusters[app.name] != nil || members.count > 1 else { return }
    clusters[app.name, default: WatchedCluster()].cluster.follow(members, now: Clock.monotonic())
    try advanceCluster(of: app.name, [])
  }

  private func clusterMembers(of app: Board.App) -> [Cluster.Member] {
    app.liveRuns.filter { run in
      run.state == .ready && app.release(run.release)?.rollout?.isClustered != false
        && watches[run.id]?.gate?.specification.otpRelease != nil
    }.map {
      Cluster.Member(
        run: $0.id, title: "\($0.instance) of \($0.release)", node: $0.node ?? "")
    }
  }

  /// Goes on with the visit of a node, and begins the next one that is due.
  func advanceCluster(of name: String, _ ready: [Poll.Ready]) throws(Cause) {
    guard var watched = clusters.removeValue(forKey: name), let app = board.apps[name] else {
      return
    }
    var (news, ready): ([Cluster.News], [Poll.Ready]) = ([], ready)
    while let member = watched.visit?.member ?? beginVisit(&watched),
      let outcome = watched.visit?.visit.advance(ready)
    {
      (watched.visit, ready) = (nil, [])
      if let one = watched.cluster.note(member, outcome, now: Clock.monotonic()) {
        news.append(one)
      }
    }
    tellPeers(of: app, &watched)
    let isOver = watched.cluster.members.count < 2 && watched.visit == nil
    loop.watch(isOver ? [] : watched.interests, as: .cluster(name))
    loop.wake(.cluster(name), at: isOver ? nil : watched.nextTick)
    if !isOver { clusters[name] = watched }
    for one in news { try record(one, of: app) }
  }

  private func beginVisit(_ watched: inout WatchedCluster) -> Cluster.Member? {
    guard let next = watched.cluster.visit(now: Clock.monotonic()),
      let run = watches[next.member.run]?.gate?.specification
    else { return nil }
    watched.visit = (next.member, ClusterVisit(run, others: next.others))
    return next.member
  }

  private func record(_ news: Cluster.News, of app: Board.App) throws(Cause) {
    func split(_ cause: Cause) throws(Cause) {
      if app.split == nil { try record(.clusterSplit, app: app.name) { $0.cause = cause } }
    }
    switch news {
    case .split(let cause): try split(cause)
    case .healed(let cause):
      try split(cause)
      try record(.clusterJoined, app: app.name) { _ in }
    case .joined:
      if app.split != nil { try record(.clusterJoined, app: app.name) { _ in } }
    }
  }

  /// Writes into each run's folder how many other nodes its node is connected with, where `ps` and the screens find it.
  private func tellPeers(of app: Board.App, _ watched: inout WatchedCluster) {
    let peers = watched.cluster.peers
    if peers == watched.toldPeers { return }
    for run in app.liveRuns where peers[run.id] != watched.toldPeers[run.id] {
      let path = folder(of: run, app).peers
      if let count = peers[run.id] {
        try? Files.replace(path, with: Array(String(count).utf8), isDurable: false)
      } else {
        try? Files.remove(path)
      }
    }
    watched.toldPeers = peers
  }
}
