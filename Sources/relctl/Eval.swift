import CommandLine
import Events
import HomeLayout
import Instance
import Posix

extension Command {
  static let eval = Command(
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
    return try call.limited(run) { run throws(Cause) in
      try call.hand(over: run.client([run.startProgram, "eval", call.positional(1)]))
    }
  }
}

extension CommandCall {
  /// The specification of a VM beside the instances. It is not a run of the app, so it has a folder of its own.
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
    do throws(PosixError) { try specification.makeFolders() } catch { throw Cause(error) }
    return specification
  }
}
