import DiskReserve
import Events
import HomeLayout
import Instance
import Posix

/// Reads the facts of this host that are not about its systemd.
public struct HostReader {
  private let home: Home
  private let environment: [String: String]

  public init(home: Home, environment: [String: String]) {
    (self.home, self.environment) = (home, environment)
  }

  /// - Parameters:
  ///   - board: with the instances to look at.
  ///   - place: the file and line in which an app's release reads `PORT`.
  public func facts(
    _ board: Board, agent: Int32?, place: (Board.App, Board.Run) -> String?
  ) -> HostFacts {
    var facts = HostFacts(
      isRoot: User.isRoot, user: User.name(of: User.id) ?? String(User.id), home: homeFacts,
      now: Timestamp(milliseconds: Clock.now()), last: board.time)
    for need in HostCheck.needs { facts.programs[need.program] = path(of: need.program) }
    facts.installer = Self.installers.first { path(of: $0.program) != nil }?.words
    facts.namespaceFault = namespaceFault
    for name in Self.settings {
      facts.settings[name] = number("/proc/sys/" + name.replacing(".", with: "/"))
    }
    (facts.apps.users, facts.apps.haveViews) = (UserNumbers.offered, Confinement.canNarrowView)
    let groups = RunGroups.seen(in: home, agent: agent)
    (facts.groups, facts.limitsGap) = (groups.folder, groups.gap)
    for path in ["/run", "/var/tmp"] {
      let info = (try? Files.resolve(path)).flatMap { try? Files.info($0) }
      facts.folders[path] = info.map { UInt32($0.mode) }
    }
    facts.space = try? Files.space(at: home.root)
    facts.hasReserve = ReservedSpace(home: home).isWhole
    facts.openFiles = openFiles(of: agent)
    facts.isClockKept = Clock.isKept
    facts.instances = board.apps.values.reduce(0) { $0 + $1.liveRuns.count }
    facts.exposed = exposures(board, place)
    facts.agent.isNeeded = board.apps.values.contains { app in
      !app.liveRuns.isEmpty
        || !app.isStopped && app.current != nil
          && !Board.App.instances(of: app.formation).isEmpty
    }
    return facts
  }

  private static let installers: [(program: String, words: String)] = [
    ("apt-get", "apt-get install"), ("dnf", "dnf install"), ("apk", "apk add"),
    ("pacman", "pacman -S"), ("zypper", "zypper install"),
  ]

  private static let settings = [
    "kernel.unprivileged_userns_clone", "kernel.apparmor_restrict_unprivileged_userns",
    "user.max_user_namespaces",
  ]

  private func path(of program: String) -> String? {
    let folders = (environment["PATH"] ?? "") + ":" + Invocation.standardPath
    return try? Invocation([program], environment: ["PATH": folders]).program()
  }

  private func number(_ path: String) -> Int? {
    (try? Files.read(path, limit: 64)).flatMap {
      Int(String(decoding: $0, as: UTF8.self).split(separator: "\n").first ?? "")
    }
  }

  private var homeFacts: HostFacts.HomeFacts {
    var facts = HostFacts.HomeFacts(path: home.root)
    let path = (try? Files.resolve(home.root)) ?? home.root
    do throws(PosixError) {
      if let info = try Files.info(path) {
        facts.owner = User.name(of: info.owner) ?? String(info.owner)
        (facts.isOwn, facts.mode) = (info.owner == User.id, UInt32(info.mode))
      }
    } catch { (facts.owner, facts.isOwn) = ("another user", false) }
    if path != Home.systemRoot, Files.isFolder(Home.systemRoot) {
      facts.others = [Home.systemRoot]
    }
    return facts
  }

  /// Tries what a build and its boot check do.
  private var namespaceFault: String? {
    let entrances = [["unshare"] + Isolation.mountEntrance, Isolation.entrance(network: true)]
    let path = (environment["PATH"] ?? "") + ":" + Invocation.standardPath
    for entrance in entrances {
      let command = Invocation(entrance + ["true"], in: "/", environment: ["PATH": path])
      do throws(PosixError) {
        let result = try command.run(limit: 10_000)
        if result.isSuccess { continue }
        return result.text.split(separator: "\n").first.map(String.init) ?? "unshare failed"
      } catch { return "\(error)" }
    }
    return nil
  }

  /// The soft limit, which an Erlang VM does not raise.
  private func openFiles(of agent: Int32?) -> Int? {
    let process = agent.map { String($0) } ?? "self"
    let text = (try? Files.read("/proc/\(process)/limits", limit: 65_536)) ?? []
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n")
    where line.hasPrefix("Max open files") {
      let soft = line.dropFirst(14).split(separator: " ").first
      return soft == "unlimited" ? .max : soft.flatMap { Int($0) }
    }
    return nil
  }

  private func exposures(
    _ board: Board, _ place: (Board.App, Board.Run) -> String?
  ) -> [HostFacts.Exposure] {
    var found: [HostFacts.Exposure] = []
    for app in board.apps.values.sorted(by: { $0.name < $1.name }) {
      for run in app.liveRuns.sorted(by: { $0.instance < $1.instance }) {
        for listener in listeners(of: run, app.name) where !listener.isLoopback {
          let isOwnPort = listener.port == run.port
          found.append(
            HostFacts.Exposure(
              app: app.name, instance: run.instance, address: listener.address,
              port: listener.port, isOwnPort: isOwnPort,
              place: isOwnPort ? place(app, run) : nil))
        }
      }
    }
    return found
  }

  /// The sockets of the run's processes, as their own network has them.
  private func listeners(of run: Board.Run, _ app: String) -> [Listener] {
    let folder = home.app(app).run(run.instance.description, run.id)
    guard let status = (try? RunObservation(folder))?.status, status.shimIdentity.isAlive
    else { return [] }
    var found: Set<Listener> = []
    for process in ProcessTable.descendants(of: status.shim.pid) {
      guard let sockets = ProcessTable.sockets(of: process.pid), !sockets.isEmpty else { continue }
      let all = Listener.all(inNetworkOf: process.pid) ?? []
      found.formUnion(all.filter { sockets.contains($0.inode) })
    }
    return found.sorted { ($0.port, $0.address) < ($1.port, $1.address) }
  }
}
