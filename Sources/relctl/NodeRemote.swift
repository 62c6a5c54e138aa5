import CommandLine
import ErlangDistribution
import Events
import Posix

extension Command {
  static let nodeRemote = Command(
    CommandSyntax(
      "node remote", "NAME@HOST[:PORT]", count: 1...1, "open a shell in a running node",
      details: """
        That of the node's own release where it was made by mix and runs on this host; else IEx, where the
        node has Elixir and iex is installed here; else the shell of Erlang. The cookie stands in no
        argument list. Root opens it as the user whose node it is.
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
