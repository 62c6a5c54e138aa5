import ConfigStore
import Events
import HomeLayout
import Instance
import Posix
import ReleaseModel
import SlugStore

/// Whether a request can be carried out, looked at once, before anything is touched.
struct Admission {
  let home: Home
  let store: SlugStore
  let board: Board

  /// - Throws: why not.
  func check(_ request: Board.Request, now: Timestamp) throws(Cause) {
    if let deadline = request.data.deadline, deadline < now, request.type != .stopRequested {
      throw Cause(
        .requestExpired, "the request came to its deadline before an agent took it",
        remedy: "Ask again.")
    }
    let app = board.apps[request.app]
    switch request.type {
    case .deployRequested: try checkDeploy(request, app)
    case .rollbackRequested: try checkRollback(request, known(app, request))
    case .configRequested: try checkConfig(request, app)
    case .restartRequested: try checkRestart(request, deployed(app, request))
    case .scaleRequested: try checkScale(request, deployed(app, request))
    case .stopRequested: _ = try known(app, request)
    default:
      throw Cause(.usage, "this version cannot carry out \(request.type.rawValue)")
    }
  }

  private func known(_ app: Board.App?, _ request: Board.Request) throws(Cause) -> Board.App {
    guard let app else { throw Cause(.appUnknown, "there is no app '\(request.app)'") }
    return app
  }

  private func deployed(_ app: Board.App?, _ request: Board.Request) throws(Cause) -> Board.App {
    let app = try known(app, request)
    if app.current == nil {
      throw Cause(.releaseNone, "'\(app.name)' has no release that runs")
    }
    return app
  }

  private func checkDeploy(_ request: Board.Request, _ app: Board.App?) throws(Cause) {
    let manifest = try store.manifest(request.data.slug ?? "")
    try checkTarget(manifest)
    let config = try app?.config.map { digest throws(Cause) in
      try ConfigStore(home: home, app: request.app).load(digest)
    }
    try ConfigDefaults.check(manifest, has: config?.values ?? [:], app: request.app)
  }

  private func checkTarget(_ manifest: Manifest) throws(Cause) {
    let (its, ours) = (manifest.target, Manifest.Target.host)
    if (its.os, its.arch) != (ours.os, ours.arch) {
      throw Cause(
        .targetMismatch,
        "the slug is for \(its.os) on \(its.arch), this host is \(ours.os) on \(ours.arch)",
        remedy: "Build it on a host of this kind.")
    }
  }

  private func checkRollback(_ request: Board.Request, _ app: Board.App) throws(Cause) {
    guard let number = request.data.from ?? app.previousRelease?.number else {
      throw Cause(.releaseUnknown, "'\(app.name)' has no release to go back to")
    }
    guard let release = app.release(number) else {
      throw Cause(.releaseUnknown, "'\(app.name)' has no release \(number)")
    }
    try checkTarget(try store.manifest(release.slug))
    _ = try ConfigStore(home: home, app: app.name).load(release.config)
  }

  private func checkConfig(_ request: Board.Request, _ app: Board.App?) throws(Cause) {
    _ = try ConfigStore(home: home, app: request.app).load(request.data.config ?? "")
    if app?.config != request.data.base {
      throw Cause(
        .configConflict,
        "the config vars of '\(request.app)' were changed by somebody else meanwhile",
        remedy: "Look at them and ask again: relctl config \(request.app)")
    }
  }

  private func checkRestart(_ request: Board.Request, _ app: Board.App) throws(Cause) {
    guard let instance = request.data.instance else { return }
    if !Board.App.instances(of: app.formation).contains(instance) {
      throw Cause(.instanceUnknown, "'\(app.name)' has no instance '\(instance)'")
    }
  }

  private func checkScale(_ request: Board.Request, _ app: Board.App) throws(Cause) {
    guard let release = app.currentRelease else { return }
    let processes = try store.manifest(release.slug).processes.map(\.process)
    for (process, count) in request.data.formation ?? [:] {
      guard processes.contains(process), process != ProcessType.release else {
        throw Cause(
          .processUnknown, "\(release.number) of '\(app.name)' has no process type '\(process)'",
          remedy:
            "It has: \(processes.filter { $0 != ProcessType.release }.joined(separator: ", "))")
      }
      guard (0...100).contains(count) else {
        throw Cause(
          .usage, "\(count) instances of '\(process)' are out of range", remedy: "Ask for 0 to 100."
        )
      }
    }
  }
}

/// What app.json says of the config vars an app wants. Source: Heroku, "app.json Schema", `env`.
enum ConfigDefaults {
  /// Adds what is not set and can be had without asking.
  static func fill(_ config: [String: String], from manifest: Manifest) -> [String: String] {
    var filled = config
    for (name, variable) in manifest.appJSON?.env ?? [:] where filled[name] == nil {
      if let value = variable.value {
        filled[name] = value
      } else if variable.generator == "secret" {
        filled[name] = Random.hex(32)
      }
    }
    return filled
  }

  static func check(_ manifest: Manifest, has config: [String: String], app: String) throws(Cause) {
    let missing = (manifest.appJSON?.env ?? [:]).filter { name, variable in
      config[name] == nil && variable.isRequired && !RunSpecification.ownVariables.contains(name)
    }.keys.sorted()
    if missing.isEmpty { return }
    throw Cause(
      .configMissing, "app.json requires \(missing.joined(separator: ", ")), not set for '\(app)'",
      remedy: "Set it first: relctl config \(app) set \(missing[0])=…",
      facts: ["missing": missing.joined(separator: ",")])
  }
}
