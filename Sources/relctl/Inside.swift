import CommandLine
import ErlangDistribution
import Events
import HomeLayout
import Instance
import NodeWatch
import Observation
import Operations
import Posix
import SlugStore

extension Verb {
  static let rpc = Verb(
    CommandSyntax(
      "rpc", "APP[/INSTANCE] EXPR", count: 2...2, "evaluate an expression in the running system",
      details: """
        Elixir in a release of mix, Erlang in one of relx. What it prints is printed as it comes, then
        its value. It ends with this command: by --timeout, or by Ctrl-C.
        """,
      options: [.timeout("as long as it takes"), .json])
  ) { call throws(Cause) in
    let limit = try call.timeout()
    let (app, run) = try call.runningInstance()
    let specification = try call.specification(of: run, app)
    let node = try call.nodeLocator().node(of: run, app: app.name)
    let evaluation = Evaluation(
      call.positional(1), in: specification.otpRelease?.kind == .relx ? .erlang : .elixir,
      limit: limit)
    return try call.evaluate(evaluation, in: node)
  }

  static let eval = Verb(
    CommandSyntax(
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
    CommandSyntax("remote", "APP[/INSTANCE]", count: 1...1, "open a shell in the running system")
  ) { call throws(Cause) in
    try call.needTerminal(instead: "relctl rpc \(call.positional(0)) EXPR")
    let (app, run) = try call.runningInstance()
    return try call.hand(over: call.specification(of: run, app).remoteShell)
  }
}

extension Call {
  /// The named instance, or the first of the app's that works.
  func runningInstance() throws(Cause) -> (app: Board.App, run: Board.Run) {
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
    return (app, run)
  }

  func specification(of run: Board.Run, _ app: Board.App) throws(Cause) -> RunSpecification {
    let home = try home()
    guard let release = app.release(run.release) else {
      throw Refusal.unknownRelease(run.release, app: app.name).cause
    }
    return try RunSpecification(
      run, of: app, SlugStore(home: home).manifest(release.slug), home: home,
      environment: context.environment)
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
    var specification = try specification(of: run, app)
    specification.folder = RunFolder(path: home.app(app.name).path + "/eval")
    try Cause.explaining(Files.makeFolder(specification.folder.temporary))
    return specification
  }

  /// Shows what it prints and its value, or what is wrong with it.
  fileprivate func evaluate(_ evaluation: Evaluation, in node: KnownNode) throws(Cause) -> Outcome {
    var client = try connect(node)
    var output = CallOutput(self)
    let start = Clock.microseconds()
    let outcome: Result<String, Cause>
    do throws(DistributionError) {
      outcome = try client.evaluate(evaluation) { output.take($0) }
    } catch {
      output.end()
      throw Cause(error)
    }
    let passed = Double(Clock.microseconds() - start) / 1000
    switch outcome {
    case .success(let value):
      output.end(node: node.name, value: value, milliseconds: passed)
      return .success
    case .failure(let cause):
      output.end()
      throw cause
    }
  }

  func needTerminal(instead remedy: String) throws(Cause) {
    if TerminalSize.of(0) != nil { return }
    throw Cause(
      .terminal, "a remote shell needs a terminal", remedy: "For one expression: \(remedy)")
  }

  /// Gives the command our terminal until it ends. A keyboard interrupt reaches it without us; a request to end is
  /// passed on to it.
  func hand(over invocation: Invocation) throws(Cause) -> Outcome {
    var invocation = invocation
    invocation.environment["TERM"] = context.environment["TERM"]
    do throws(PosixError) {
      let signals = try Signals([.hup, .int, .quit, .term])
      let child = try Child.start(invocation, input: .inherited)
      return Outcome(try child.wait(passing: [.hup, .term], of: signals))
    } catch { throw Cause(.remote, "\(error)") }
  }
}
