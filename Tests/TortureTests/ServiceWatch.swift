import ConfigStore
import Events
import HomeLayout
import Posix
import TestSupport

/// Asks the instances for their page again and again, as their users do, and looks at their environment.
struct ServiceWatch {
  let scene: TortureScene
  private(set) var probes = 0
  private(set) var readings = 0
  private let squatters: PortSquatters

  private static let question = Array(
    "GET / HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)

  init(_ scene: TortureScene) {
    self.scene = scene
    squatters = PortSquatters(folder: scene.notes.folder)
  }

  /// One look at all apps.
  mutating func look() {
    let account = scene.account()
    for app in account.board.apps.values {
      if !isServed(app, account), account.isOwed(app) { lookAgain(app.name) }
      for run in app.liveRuns { readEnvironment(of: run, app) }
      checkRoute(of: app)
      squatters.take(app)
    }
  }

  /// The log may have gone on since it was read: only what is seen twice counts.
  private mutating func lookAgain(_ name: String) {
    let account = scene.account()
    guard let app = account.board.apps[name], !isServed(app, account), scene.account().isOwed(app)
    else {
      return
    }
    let runs = app.runs.map { "\($0.instance) \($0.id) \($0.state)" }.joined(separator: ", ")
    scene.violations.note(
      .serving, "at event \(account.board.sequence) no instance of \(name) answers: \(runs)")
  }

  /// Whether an instance that takes traffic answers. All are asked, for what they say.
  private mutating func isServed(_ app: Board.App, _ account: LogAccount) -> Bool {
    var isServed = false
    for run in app.liveRuns where run.instance.process == "web" && run.state != .starting {
      guard let page = page(of: run) else { continue }
      isServed = true
      check(page, of: run, app, account)
    }
    return isServed
  }

  private mutating func page(of run: Board.Run) -> String? {
    probes += 1
    guard let port = run.port,
      let bytes = try? Loopback.exchange(Self.question, port: port, milliseconds: 2000)
    else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    return text.contains(" 200 ") ? text : nil
  }

  /// The app answers at its address, also if other programs have taken the ports of its former runs.
  private mutating func checkRoute(of app: Board.App) {
    let record = (try? Files.readIfThere(scene.home.router.port)) ?? nil
    guard let port = PortRecord(text: String(decoding: record ?? [], as: UTF8.self))?.port else {
      return
    }
    probes += 1
    let question = "GET / HTTP/1.0\r\nHost: \(app.localHost)\r\nConnection: close\r\n\r\n"
    let bytes = try? Loopback.exchange(Array(question.utf8), port: port, milliseconds: 2000)
    let answer = String(decoding: bytes ?? [], as: UTF8.self)
    guard answer.contains(" 200 "), app.name != TortureSlug.greeter else { return }
    let line = answer.split(whereSeparator: \.isNewline).last ?? ""
    if line.split(separator: " ").first.map(String.init) != app.name {
      scene.violations.note(.routes, "'\(line)' answers at the address of \(app.name)")
    }
  }

  /// What an instance serves is its own run, of the current release or of one that a deployment is about.
  private func check(
    _ page: String, of run: Board.Run, _ app: Board.App, _ account: LogAccount
  ) {
    checkRelease(of: run, app, account)
    if app.name == TortureSlug.greeter { return }
    let value = config(of: run, app)?[TortureSlug.variable] ?? "-"
    let wanted = "\(app.name) \(run.release) \(run.id) \(value)"
    let line = page.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
    if line != wanted {
      scene.violations.note(.oneRelease, "port \(run.port ?? 0) serves '\(line)', not '\(wanted)'")
    }
  }

  private func checkRelease(of run: Board.Run, _ app: Board.App, _ account: LogAccount) {
    if account.mayServe(run, of: app.name) { return }
    // The log may have gone on since it was read.
    let now = scene.account()
    guard let state = now.board.apps[app.name], state.run(run.id) != nil,
      !now.mayServe(run, of: app.name)
    else { return }
    let current = state.current.map { "\($0)" } ?? "none"
    scene.violations.note(
      .oneRelease, "\(app.name) run \(run.id) serves \(run.release); current is \(current)")
  }

  /// The environment of each process holds the config vars of its release and no others.
  private mutating func readEnvironment(of run: Board.Run, _ app: Board.App) {
    guard let process = scene.status(of: run, app.name)?.processIdentity, process.isAlive,
      let config = config(of: run, app)
    else { return }
    let environment = ProcessTable.environment(of: process.pid)
    // It may have ended meanwhile; and while a program is being started its environment is empty.
    guard environment.contains("RELTUI_RUN=\(run.id)"), process.isAlive else { return }
    readings += 1
    let own = environment.filter { $0.hasPrefix("TORTURE_") }
    let wanted = Set(config.map { "\($0)=\($1)" }.filter { $0.hasPrefix("TORTURE_") })
    if own != wanted {
      scene.violations.note(
        .ownConfig,
        "\(app.name) run \(run.id) of \(run.release) has \(own.sorted()), not \(wanted.sorted())")
    }
  }

  private func config(of run: Board.Run, _ app: Board.App) -> [String: String]? {
    guard let digest = app.release(run.release)?.config else { return nil }
    return try? ConfigSets(home: scene.home, app: app.name).load(digest).values
  }
}
