import JSONText
import Posix
import TestSupport
import Testing

/// `reltui --json` must report of a node what the node itself reports to another node.
@Suite(.waitsForPrograms) struct NodeFactsTests {
  enum Kind: CaseIterable {
    case erl25, erl28, mix, relx

    func start() throws -> Beam {
      switch self {
      case .erl25: try Beam(.otp25, name: "facts", arguments: ["-boot", "start_sasl"])
      case .erl28: try Beam(.otp28, name: "facts", evaluating: ["ok=application:start(crypto)"])
      case .mix:
        try Beam(
          release: try Greeter.slug.get(), name: "facts",
          environment: [
            "PORT": "\(try Loopback.freePort())", "GREETER_GREETING": "Hello",
          ])
      case .relx: try Beam(release: try Relx.release.get(), name: "facts")
      }
    }
  }

  /// The question asks for lists of texts and numbers only, so that the answer is valid JSON.
  private static let question = """
    begin I=application_controller:info(), T=proplists:get_value(started,I), \
    W=lists:reverse(application:which_applications()), \
    [erlang:system_info(otp_release),erlang:system_info(version),\
    atom_to_list(element(1,init:get_status())),\
    [[atom_to_list(A),V,atom_to_list(proplists:get_value(A,T))]||{A,_,V}<-W],\
    lists:sort([[atom_to_list(A),V]||{A,_,V}<-proplists:get_value(loaded,I),\
    not lists:keymember(A,1,W)]),\
    erlang:system_info(process_count),erlang:memory(total),\
    element(1,erlang:statistics(wall_clock))] end
    """

  private struct Facts: Decodable {
    struct Application: Decodable {
      var application: String
      var version: String
      var type: String?
      var state: String
      var order: Int?
    }

    var node: String
    var otp: String
    var erts: String
    var uptime: Int64
    var processes: Int
    var memory: Int
    var ready: Bool
    var applications: [Application]
  }

  @Test(arguments: Kind.allCases)
  func factsMatchTheNode(_ kind: Kind) throws {
    let beam = try kind.start()
    let stage = try Stage("facts")
    try stage.folder.write("cookie", beam.cookie, mode: 0o400)
    try #require(try eventually { try beam.eval("init:get_status()").contains("started") })
    let answer = try stage.run(
      "reltui", ["--node", beam.name, "--cookie-file", "cookie", "--json"],
      environment: ["ERL_EPMD_PORT": "\(beam.epmdPort)"])
    try #require(answer.exit == .code(0), "\(answer.errors)")
    let all = try JSON.decode([String: [Facts]].self, from: Array(answer.output.utf8))
    let facts = try #require(all["nodes"]?.first)
    #expect(facts.node == beam.name)
    let running = facts.applications.filter { $0.state == "running" }
    let own = running.map { "[\"\($0.application)\",\"\($0.version)\",\"\($0.type ?? "")\"]" }
    let loaded = facts.applications.filter { $0.state == "loaded" }
    let others = loaded.map { "[\"\($0.application)\",\"\($0.version)\"]" }.sorted()
    let text = try beam.eval(Self.question)
    let head =
      "[\"\(facts.otp)\",\"\(facts.erts)\",\"started\",[\(own.joined(separator: ","))],"
      + "[\(others.joined(separator: ","))],"
    #expect(text.hasPrefix(head), "\(text)\n\(head)")
    #expect(running.map(\.order) == running.indices.map { $0 + 1 })
    #expect(facts.ready)
    let numbers = text.dropFirst(head.count).dropLast().split(separator: ",").compactMap {
      Int64($0)
    }
    try #require(numbers.count == 3)
    #expect(abs(Int64(facts.processes) - numbers[0]) < 15)
    #expect(abs(Int64(facts.memory) - numbers[1]) < numbers[1] / 4)
    #expect((0...30_000).contains(numbers[2] - facts.uptime))
  }
}

/// A small release of relx, made once for all tests.
enum Relx {
  static let release: Result<String, any Error> = Result {
    let tree = Workspace.root + "/.build/relx-release"
    let folder = try TemporaryFolder("relx")
    let environment = ["PATH": Environment.current["PATH"] ?? "", "HOME": folder.path]
    for words in [["new", "release", "name=demo"], ["as", "prod", "release"]] {
      let place = folder.path + (words[0] == "new" ? "" : "/demo")
      let result = try Invocation(["rebar3"] + words, in: place, environment: environment)
        .run(limit: 120_000)
      guard result.isSuccess else { throw Greeter.BuildFailed(output: result.text) }
    }
    try Files.remove(tree)
    try FileTree.copy(folder.path + "/demo/_build/prod/rel/demo", to: tree)
    return tree
  }
}
