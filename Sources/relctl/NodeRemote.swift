import CommandLine
import ErlangDistribution
import Events
import Posix

extension Command {
  static let nodeRemote = Command(
    CommandSyntax(
      "node remote", "NAME@HOST[:PORT]", count: 1...1, "open a shell in a running node",
      details: """
        If mix made the node's release and the node runs on this host, the release's own shell is opened.
        Otherwise it is IEx if the node has Elixir and iex is installed here, else Erlang's shell. The
        cookie appears in no argument list. Root opens the shell as the node's user.
        """, options: [.cookieFile, .tlsOptions])
  ) { call throws(Cause) in
    let name = call.positional(0)
    try call.needTerminal(instead: "relctl node rpc \(name) MODULE FUNCTION [ARGS]")
    let node = try call.nodeLocator().node(named: name)
    if case .run(let app, _, let id, _) = node.origin {
      let app = try call.app(app)
      if let run = app.runs.first(where: { $0.id == id }) {
        return try call.hand(over: call.specification(of: run, app).remoteShell)
      }
    }
    // Connect first, since our errors about the name, the cookie or the node are clearer than those of a VM.
    var client = try call.connect(node)
    let shell = try RemoteShell(
      in: node, hasElixir: call.hasElixir(&client),
      tlsFile: call.arguments["--tls-options"].map(call.context.absolute),
      path: call.context.environment["PATH"] ?? Invocation.standardPath)
    client.close()
    defer { shell.remove() }
    return try call.hand(over: shell.invocation)
  }
}

extension CommandCall {
  /// Whether the node has IEx. The call searches for the module and does not load it.
  fileprivate func hasElixir(_ client: inout Client) throws(Cause) -> Bool {
    do throws(DistributionError) {
      let answer = try client.call(
        RemoteCall("code", "which", [.atom("Elixir.IEx")]))
      return answer.value.map { $0.atom != "non_existing" } ?? false
    } catch { throw Cause(error) }
  }
}
