import CommandLine
import Deployment
import Instance
import Posix
import ReleaseModel

extension Verb {
  static let rpc = Verb(
    Command(
      "rpc", "APP[/INSTANCE] EXPR", count: 2...2, "evaluate an expression in the running system",
      details: "As `bin/NAME rpc` of mix release; on a relx release the expression is Erlang.")
  ) { call throws(Cause) in
    try call.inside { kind in kind == .relx ? ["eval", call.positional(1)] : ["rpc", call.positional(1)] }
  }

  static let eval = Verb(
    Command(
      "eval", "APP EXPR", count: 2...2, "evaluate an expression in a fresh VM with the app's code",
      details: "As `bin/NAME eval` of mix release: the application is not started.")
  ) { call throws(Cause) in
    try call.inside(needsRun: false) { kind in
      kind == .relx ? nil : ["eval", call.positional(1)]
    }
  }

  static let remote = Verb(
    Command("remote", "APP[/INSTANCE]", count: 1...1, "open a shell in the running system")
  ) { call throws(Cause) in
    try call.inside { kind in [kind == .relx ? "remote_console" : "remote"] }
  }
}

extension Call {
  /// Runs the release's own command beside or inside a run, with our streams.
  fileprivate func inside(
    needsRun: Bool = true, _ words: (OTPRelease.Kind) -> [String]?
  ) throws(Cause) -> Outcome {
    let (name, instance) = try target()
    let home = try home()
    let app = try app(name)
    let specification = try specification(home, app, instance, needsRun: needsRun)
    guard let otp = specification.otpRelease, let arguments = words(otp.kind) else {
      throw Cause(
        .remote, "the release of '\(name)' has no such command",
        remedy: "relx knows no fresh VM; ask the running one: relctl rpc \(name) EXPR")
    }
    var environment = specification.clientEnvironment
    environment["TERM"] = context.environment["TERM"]
    let invocation = Invocation(
      [specification.tree + "/" + otp.startCommand] + arguments, in: specification.folder.path,
      environment: environment)
    return try hand(over: invocation)
  }

  private func specification(
    _ home: Home, _ app: Board.App, _ instance: InstanceName?, needsRun: Bool
  ) throws(Cause) -> RunSpecification {
    let running = app.liveRuns.filter { $0.state == .ready || $0.state == .unready }
      .sorted { $0.instance < $1.instance }
    if let run = running.first(where: { instance == nil || $0.instance == instance }) {
      return try RunSpecification(run, of: app, home: home, environment: context.environment)
    }
    guard !needsRun, let release = app.currentRelease ?? app.releases.last else {
      throw Cause(
        .remote, instance.map { "'\($0)' of '\(app.name)' is not running" } ?? "'\(app.name)' is not running",
        remedy: "See the instances with: relctl ps \(app.name)")
    }
    // A fresh VM needs the release and the config vars, no run: it works in the app's own folder.
    let now = Timestamp(milliseconds: Clock.now())
    let run = Board.Run(
      id: 0, instance: InstanceName(ProcessType.web, 1), release: release.number, state: .stopped,
      since: now, port: 4000)
    var specification = try RunSpecification(run, of: app, home: home, environment: context.environment)
    specification.folder = RunFolder(path: home.app(app.name).path)
    do throws(PosixError) { try Files.makeFolder(specification.folder.temporary) } catch {
      throw Cause(error)
    }
    return specification
  }

  /// The command has the terminal until it ends; an interrupt is for it, not for us.
  private func hand(over invocation: Invocation) throws(Cause) -> Outcome {
    do throws(PosixError) {
      let signals = try Signals([2, 3])
      defer { withExtendedLifetime(signals) {} }
      switch try Child.start(invocation, input: .inherited).wait() {
      case .code(let code): return Outcome(exitCode: code)
      case .signal(let signal): return Outcome(exitCode: 128 + signal)
      }
    } catch { throw Cause(.remote, "\(error)") }
  }
}
