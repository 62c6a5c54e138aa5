import CommandLine
import Events
import Observation

extension Verb {
  static let restart = Verb(
    CommandSyntax(
      "restart", "APP[/INSTANCE]", count: 1...1, "restart an app's instances, one after the other",
      details: """
        Each instance gets a new run beside the old one; when the new one is ready the old one is
        stopped. If it does not get ready, the old one stays as it is.
        """,
      options: [.json])
  ) { call throws(Cause) in
    let (name, instance) = try call.target()
    let app = try call.app(name)
    if app.current == nil { throw Cause(.releaseNone, "'\(name)' has no release that runs") }
    if let instance, !Board.App.instances(of: app.formation).contains(instance) {
      throw Cause(.instanceUnknown, "'\(name)' has no instance '\(instance)'")
    }
    return try call.request(.restartRequested, app: name) { $0.instance = instance }
  }

  static let rollback = Verb(
    CommandSyntax(
      "rollback", "APP [vN]", count: 1...2, "bring a former release back, slug and config vars",
      details: """
        Without a number it is the last release before the current one that worked. A rollback is a
        new release, so it can be rolled back too.
        """,
      options: [.json])
  ) { call throws(Cause) in
    let name = try call.target().app
    let app = try call.app(name)
    var number = app.previousRelease?.number
    if call.arguments.positional.count == 2 {
      let text = call.positional(1)
      guard let given = ReleaseNumber(text), app.release(given) != nil else {
        throw Cause(
          .releaseUnknown, "'\(name)' has no release '\(text)'",
          remedy: "See the releases with: relctl releases \(name)")
      }
      number = given
    }
    if number != nil, number == app.current {
      throw Cause(
        .releaseUnknown, "\(app.current?.description ?? "") of '\(name)' is current already",
        remedy: "See the releases with: relctl releases \(name)")
    }
    guard let number else {
      throw Cause(
        .releaseUnknown, "'\(name)' has no release to go back to",
        remedy: "See the releases with: relctl releases \(name)")
    }
    return try call.request(.rollbackRequested, app: name) { $0.from = number }
  }

  static let stop = Verb(
    CommandSyntax(
      "stop", "APP", count: 1...1, "stop all instances of an app",
      details: "Releases, config vars and formation stay; relctl restart APP starts it again.",
      options: [.json])
  ) { call throws(Cause) in
    let name = try call.target().app
    _ = try call.app(name)
    return try call.request(.stopRequested, app: name)
  }

  static let scale = Verb(
    CommandSyntax(
      "scale", "APP PROCESS=COUNT…", count: 2...20, "change how many instances run",
      details: "Example: relctl scale greeter web=2 worker=1", options: [.json])
  ) { call throws(Cause) in
    let name = try call.target().app
    let app = try call.app(name)
    if app.current == nil { throw Cause(.releaseNone, "'\(name)' has no release that runs") }
    var formation: [String: Int] = [:]
    for word in call.arguments.positional.dropFirst() {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, ProcessType.isValid(String(parts[0])), let count = Int(parts[1]),
        (0...100).contains(count)
      else {
        throw Cause(.usage, "'\(word)' is no PROCESS=COUNT", remedy: "Write it as in: web=2")
      }
      formation[String(parts[0])] = count
    }
    return try call.request(.scaleRequested, app: name) { $0.formation = formation }
  }
}

extension Call {
  /// The board as it is now.
  func board() throws(Cause) -> Board { try Situation.board(of: home(), program: "relctl").board }

  /// - Throws: `RT-APP-UNKNOWN`, so that nothing is asked for an app that is not there.
  func app(_ name: String) throws(Cause) -> Board.App { try Self.app(name, on: board()) }

  static func app(_ name: String, on board: Board) throws(Cause) -> Board.App {
    guard let app = board.apps[name] else {
      throw Cause(.appUnknown, "there is no app '\(name)'")
    }
    return app
  }
}
