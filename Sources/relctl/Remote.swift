import CommandLine
import Events
import Posix

extension Command {
  static let remote = Command(
    CommandSyntax("remote", "APP[/INSTANCE]", count: 1...1, "open a shell in the running system")
  ) { call throws(Cause) in
    try call.needTerminal(instead: "relctl rpc \(call.positional(0)) EXPR")
    let (app, run) = try call.runningInstance()
    return try call.hand(over: call.specification(of: run, app).remoteShell)
  }
}

extension CommandCall {
  func needTerminal(instead remedy: String) throws(Cause) {
    if TerminalSize.of(0) != nil { return }
    throw Cause(
      .terminal, "a remote shell needs a terminal", remedy: "For one expression: \(remedy)")
  }

  /// Gives the program our terminal until it ends. The terminal sends keyboard interrupts to it directly. SIGHUP and
  /// SIGTERM are passed on to it.
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
