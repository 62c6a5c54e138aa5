import CommandLine
import ErlangDistribution
import Events
import NodeWatch
import Observation
import Posix

extension Command {
  static let rpc = Command(
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
}

extension CommandCall {
  /// Prints the output and the value of the evaluation, or throws its failure.
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
}
