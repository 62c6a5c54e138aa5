import CommandLine
import ErlangDistribution
import ErlangTerm
import NodeWatch
import Observation
import Posix
import ReleaseModel

extension Verb {
  static let nodeRemote = Verb(
    Command(
      "node remote", "NAME@HOST[:PORT]", count: 1...1, "open a shell in a running node",
      details: """
        IEx where the node has Elixir and iex is installed here, else the shell of Erlang. The cookie
        stands in no argument list.
        """, options: [.cookieFile, .tlsOptions])
  ) { call throws(Cause) in
    let name = call.positional(0)
    try call.needTerminal(instead: "relctl node rpc \(name) MODULE FUNCTION [ARGS]")
    let node = try call.nodePlaces().node(named: name)
    if case .run(let app, _, let id, _) = node.origin {
      let app = try call.app(app)
      if let run = app.runs.first(where: { $0.id == id }) {
        return try call.hand(over: call.specification(of: run, app).remoteShell)
      }
    }
    // What is wrong with the name, the cookie or the node is said by us, not by a VM.
    var client = try call.connect(node)
    let shell = try RemoteShell(
      of: node.place.get(), hasElixir: call.hasElixir(&client),
      tlsFile: call.arguments["--tls-options"].map(call.context.absolute),
      path: call.context.environment["PATH"] ?? Invocation.standardPath)
    client.close()
    defer { shell.remove() }
    return try call.hand(over: shell.invocation)
  }
}

extension Call {
  /// Whether the node has IEx; it is looked for, not loaded.
  fileprivate func hasElixir(_ client: inout Client) throws(Cause) -> Bool {
    do throws(DistributionError) {
      let answer = try client.call(
        ErlangDistribution.Call("code", "which", [.atom("Elixir.IEx")]))
      return answer.value.map { $0.atom != "non_existing" } ?? false
    } catch { throw Cause(error) }
  }
}

/// A shell in a node by the runtime system of this host, which reads the cookie from a HOME made for it alone.
struct RemoteShell {
  private let folder: String
  let invocation: Invocation

  /// - Parameter path: where programs are looked for.
  init(
    of place: NodeWatch.Place, hasElixir: Bool, tlsFile: String?, path: String
  ) throws(Cause) {
    let address = place.address
    if address.tls != nil, tlsFile == nil {
      throw Cause(
        .nodeTLS, "a shell in \(address.name) needs the node's TLS options",
        remedy: "Name the file of its ssl_dist_optfile: --tls-options FILE")
    }
    folder = "/tmp/reltui-remote-\(Random.hex(16))"
    var variables = ["PATH": path, "HOME": folder, "LANG": "C.UTF-8"]
    var flags = ["-dist_listen", "false", "-start_epmd", "false"]
    switch address.door {
    case .epmd(let port): variables["ERL_EPMD_PORT"] = String(port)
    case .port(let port): flags += ["-erl_epmd_port", String(port)]
    }
    flags += Self.carrier(address, tlsFile)
    let words = try Self.words(address, hasElixir: hasElixir, flags, path: path)
    let entrance = address.networkOf.map { ["nsenter", "--target", "\($0)", "--net", "--"] }
    invocation = Invocation((entrance ?? []) + words, in: "/", environment: variables)
    do throws(PosixError) {
      try Files.makeFolder(folder)
      try place.cookie.write(newFile: folder + "/.erlang.cookie")
    } catch { throw Cause(error) }
  }

  func remove() { try? Files.remove(folder) }

  private static func carrier(_ address: NodeAddress, _ tlsFile: String?) -> [String] {
    guard let tlsFile else { return address.isIPv6 ? ["-proto_dist", "inet6_tcp"] : [] }
    let name = address.isIPv6 ? "inet6_tls" : "inet_tls"
    return ["-proto_dist", name, "-ssl_dist_optfile", tlsFile]
  }

  /// Long names and short ones do not talk to each other. Erlang's own shell gets its name from the node, so that it
  /// leaves no atom there; IEx must bring one. Source: erl(1), `-name`; iex(1).
  private static func words(
    _ address: NodeAddress, hasElixir: Bool, _ flags: [String], path: String
  ) throws(Cause) -> [String] {
    let target = "\(address.name)"
    let isLong = address.name.host.contains { $0 == "." || $0 == ":" }
    let host = isLong ? (address.isIPv6 ? "@::1" : "@127.0.0.1") : ""
    if hasElixir, isInstalled("iex", path) {
      return [
        "iex", "--hidden", isLong ? "--name" : "--sname", "remote-\(Random.hex(4))\(host)", "--erl",
        flags.joined(separator: " "), "--remsh", target,
      ]
    }
    guard isInstalled("erl", path) else {
      throw Cause(
        .programMissing, "cannot find 'erl' in PATH", remedy: "Install Erlang/OTP on this host.")
    }
    return ["erl", "-hidden", isLong ? "-name" : "-sname", "undefined\(host)"] + flags
      + ["-remsh", target]
  }

  private static func isInstalled(_ program: String, _ path: String) -> Bool {
    let invocation = Invocation([program], environment: ["PATH": path])
    return (try? invocation.program()) != nil
  }
}
