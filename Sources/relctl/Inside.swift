import CommandLine
import Deployment
import Instance
import Posix
import ReleaseModel

extension Verb {
  static let rpc = Verb(
    Command(
      "rpc", "APP[/INSTANCE] EXPR", count: 2...2, "evaluate an expression in the running system",
      details: "Elixir in a release of mix, Erlang in one of relx.")
  ) { call throws(Cause) in
    let run = try call.runningInstance()
    if run.otpRelease?.kind == .relx { return try call.evaluateErlang(in: run) }
    return try call.hand(
      over: Invocation(
        [run.startProgram, "rpc", call.positional(1)], in: run.folder.path,
        environment: run.clientEnvironment))
  }

  static let eval = Verb(
    Command(
      "eval", "APP EXPR", count: 2...2, "evaluate an expression in a fresh VM with the app's code",
      details: "As `bin/NAME eval` of mix release: the application is not started.")
  ) { call throws(Cause) in
    let name = try call.target().app
    let run = try call.freshVM()
    guard run.otpRelease?.kind == .mix else {
      throw Cause(
        .remote, "the release of '\(name)' has no fresh VM: relx knows none",
        remedy: "Ask the running system: relctl rpc \(name) EXPR")
    }
    return try call.hand(
      over: Invocation(
        [run.startProgram, "eval", call.positional(1)], in: run.folder.path,
        environment: run.clientEnvironment))
  }

  static let remote = Verb(
    Command("remote", "APP[/INSTANCE]", count: 1...1, "open a shell in the running system")
  ) { call throws(Cause) in
    guard TerminalSize.of(0) != nil else {
      throw Cause(
        .terminal, "a remote shell needs a terminal",
        remedy: "For one expression: relctl rpc \(call.positional(0)) EXPR")
    }
    return try call.hand(over: call.runningInstance().remoteShell)
  }
}

extension Call {
  /// The named instance, or the first of the app's that works.
  fileprivate func runningInstance() throws(Cause) -> RunSpecification {
    let (name, instance) = try target()
    let app = try app(name)
    let running = app.liveRuns.filter { $0.state == .ready || $0.state == .unready }
      .sorted { $0.instance < $1.instance }
    guard let run = running.first(where: { instance == nil || $0.instance == instance }) else {
      throw Cause(
        .remote,
        instance.map { "'\($0)' of '\(name)' is not running" } ?? "'\(name)' is not running",
        remedy: "See the instances with: relctl ps \(name)")
    }
    return try RunSpecification(run, of: app, home: home(), environment: context.environment)
  }

  /// A VM beside the instances needs the release and the config vars, no run: it works in the app's own folder.
  fileprivate func freshVM() throws(Cause) -> RunSpecification {
    let app = try app(target().app)
    guard let release = app.currentRelease ?? app.releases.last else {
      throw Cause(.releaseNone, "'\(app.name)' has no release yet")
    }
    let run = Board.Run(
      id: 0, instance: InstanceName(ProcessType.web, 1), release: release.number, state: .stopped,
      since: Timestamp(milliseconds: Clock.now()), port: app.liveRuns.first?.port ?? 4000)
    let home = try home()
    var specification = try RunSpecification(
      run, of: app, home: home, environment: context.environment)
    specification.folder = RunFolder(path: home.app(app.name).path + "/eval")
    do throws(PosixError) { try Files.makeFolder(specification.folder.temporary) } catch {
      throw Cause(error)
    }
    return specification
  }

  /// erl_call reads the expressions from its standard input.
  fileprivate func evaluateErlang(in run: RunSpecification) throws(Cause) -> Outcome {
    let text = positional(1).hasSuffix(".") ? positional(1) : positional(1) + "."
    do throws(PosixError) {
      let reading = try File.holding(Array((text + "\n").utf8))
      let invocation = run.runtimeCall(["-fetch_stdout", "-e"])
      let exit = try Child.start(invocation, input: .file(reading)).wait()
      context.print("")
      return Outcome(exit)
    } catch { throw Cause(.remote, "\(error)") }
  }

  /// The command has our terminal until it ends; an interrupt is for it, not for us.
  fileprivate func hand(over invocation: Invocation) throws(Cause) -> Outcome {
    var invocation = invocation
    invocation.environment["TERM"] = context.environment["TERM"]
    do throws(PosixError) {
      let signals = try Signals([2, 3])
      defer { withExtendedLifetime(signals) {} }
      return Outcome(try Child.start(invocation, input: .inherited).wait())
    } catch { throw Cause(.remote, "\(error)") }
  }
}
