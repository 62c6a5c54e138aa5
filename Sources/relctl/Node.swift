import CommandLine
import ErlangDistribution
import ErlangTerm
import NodeWatch
import Posix
import ReleaseModel

extension Verb {
  static let nodeRPC = Verb(
    Command(
      "node rpc", "NAME@HOST[:PORT] MODULE FUNCTION [ARGS]", count: 3...4,
      "call a function of a running node",
      details: "ARGS is a list of Erlang terms, as in: '[kernel, \"text\"]'",
      options: [Option("--cookie-file", value: "F", "the node's cookie")])
  ) { call throws(Cause) in
    guard let (name, port) = NodeName.parse(call.positional(0)) else {
      throw Cause(.nodeName, "no node name")
    }
    let cookie: Cookie
    do throws(Cookie.FileProblem) {
      cookie = try Cookie.read(file: call.arguments["--cookie-file"] ?? "")
    } catch { throw Cause(error) }
    let epmd = call.context.environment["ERL_EPMD_PORT"].flatMap { UInt16($0) } ?? 4369
    do throws(DistributionError) {
      var client = try Client(
        to: NodeAddress(name: name, door: port.map { .port($0) } ?? .epmd(port: epmd)),
        cookie: cookie)
      let arguments = (try? TextFormat.parse(call.positional(3)))?.list ?? []
      let answer = try client.call(
        ErlangDistribution.Call(call.positional(1), call.positional(2), arguments)
      ) { call.context.print($0) }
      call.context.print("\(answer)")
    } catch { throw Cause(error) }
    return .success
  }
}
