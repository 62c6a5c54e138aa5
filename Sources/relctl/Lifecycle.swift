import CommandLine
import Events
import Observation
import Operations

extension Command {
  static let restart = Command(
    CommandSyntax(
      "restart", "APP[/INSTANCE]", count: 1...1, "restart an app's instances, a quarter at a time",
      details: """
        Each instance gets a new run beside the old one; when the new one is ready the old one is
        stopped. If it does not get ready, the old one stays as it is. app.json may set another number
        at a time.
        """,
      options: [.detach, .json])
  ) { call throws(Cause) in
    let (app, instance) = try call.target()
    return try call.request(Restart(app: app, instance: instance))
  }

  static let promote = Command(
    CommandSyntax(
      "promote", "FROM TO", count: 2...2, "deploy the slug of one app to another",
      details: """
        The current slug of the app FROM becomes the next release of the app TO, with the config vars of
        TO. FROM does not change.
        """,
      options: [.json])
  ) { call throws(Cause) in
    let (from, to) = (try call.target(0).app, try call.target(1).app)
    let board = try call.board()
    let promote: Promote
    do throws(Refusal) { promote = try Promote(from: from, to: to, on: board) } catch {
      throw error.cause
    }
    return try call.request(promote)
  }

  static let maintenance = Command(
    CommandSyntax(
      "maintenance", "APP on|off", count: 2...2, "answer an app's requests with a message",
      details: """
        Every request for the app gets 503 and the message, until maintenance is off. The instances run
        on: they can be deployed, restarted and scaled meanwhile, and their checks go on.
        """,
      options: [
        Option("--message", value: "TEXT", "what clients read, at most 500 bytes"), .detach, .json,
      ])
  ) { call throws(Cause) in
    let app = try call.target().app
    _ = try call.app(app)
    let word = call.arguments.positional[1]
    guard ["on", "off"].contains(word) else {
      throw Cause(.usage, "'\(word)' is neither 'on' nor 'off'")
    }
    let change = ChangeMaintenance(
      app: app, on: word == "on", message: call.arguments["--message"])
    return try call.request(change)
  }

  static let stop = Command(
    CommandSyntax(
      "stop", "APP", count: 1...1, "stop all instances of an app",
      details: "Releases, config vars and formation stay; relctl restart APP starts it again.",
      options: [.detach, .json])
  ) { call throws(Cause) in
    try call.request(Stop(app: try call.target().app))
  }

  static let scale = Command(
    CommandSyntax(
      "scale", "APP PROCESS=COUNT…", count: 2...20, "change how many instances run",
      details: "Example: relctl scale greeter web=2 worker=1", options: [.detach, .json])
  ) { call throws(Cause) in
    let app = try call.target().app
    // Report an unknown app before a malformed word.
    _ = try call.app(app)
    var formation: [String: Int] = [:]
    for word in call.arguments.positional.dropFirst() {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, ProcessType.isValid(String(parts[0])), let count = Int(parts[1])
      else {
        throw Cause(.usage, "'\(word)' is no PROCESS=COUNT", remedy: "Write it as in: web=2")
      }
      formation[String(parts[0])] = count
    }
    return try call.request(Scale(app: app, to: formation))
  }
}

extension CommandCall {
  func board() throws(Cause) -> Board { try LiveBoard.board(of: home(), program: "relctl").board }

  /// - Throws: `RT-APP-UNKNOWN`
  func app(_ name: String) throws(Cause) -> Board.App { try Self.app(name, on: board()) }

  static func app(_ name: String, on board: Board) throws(Cause) -> Board.App {
    guard let app = board.apps[name] else { throw Refusal.noApp(name).cause }
    return app
  }
}
