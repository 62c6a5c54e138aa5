import Posix
import TestSupport
import Testing

/// `relctl rpc`, and `relctl node` for nodes of an app.
@Suite(.waitsForPrograms) struct RPCTests {
  static let expressions: [NodeCommandTests.Case] = [
    .init(["1 + 1"], 0, "2\n"),
    .init([#"IO.puts("printed"); "value""#], 0, "printed\n\"value\"\n"),
    .init([#"IO.write("open")"#], 0, "open\n:ok\n"),
    .init([#"%{"ä" => :b, a: [1, 2]}"#], 0, "%{:a => [1, 2], \"ä\" => :b}\n"),
    .init(
      ["Enum.map(1..3, &String.duplicate(to_string(&1), 30))"], 0,
      """
      ["111111111111111111111111111111", "222222222222222222222222222222",
       "333333333333333333333333333333"]

      """),
    .init(["1 / 0"], 1, "** (ArithmeticError) bad argument in arithmetic expression"),
    .init([#"raise "out of words""#], 1, "** (RuntimeError) out of words [RT-NODE-CALL]"),
    .init(["throw(:ball)"], 1, "** (throw) :ball [RT-NODE-CALL]"),
    .init(["exit(:gone)"], 1, "** (exit) :gone [RT-NODE-CALL]"),
    .init(["Nope.nope()"], 1, "** (UndefinedFunctionError) function Nope.nope/0 is undefined"),
    .init(["1 +"], 1, "** (TokenMissingError) "),
    .init(["foo("], 1, "** (TokenMissingError) "),
    .init(
      ["Process.sleep(60_000)", "--timeout", "1"], 75,
      "the expression has no value after 1 s [RT-NODE-SILENT]"),
  ]

  @Test func rpcEvaluatesElixirInTheRunningNode() throws {
    let stage = try Stage("rpc")
    #expect(try stage.relctl("deploy", "greeter", try Greeter.slug.get()).exit == .code(0))
    for item in Self.expressions {
      let answer = try stage.run("relctl", ["rpc", "greeter"] + item.words)
      #expect(answer.exit == .code(item.exit), "\(item.words) \(answer.errors)")
      if item.exit == 0 {
        #expect(answer.output == item.text && answer.errors.isEmpty, "\(answer.output)")
      } else {
        #expect(answer.errors.hasPrefix("relctl: \(item.text)"), "\(answer.errors)")
      }
    }
    let node = try #require(try stage.ready().first?.node)
    let facts = try stage.relctl("rpc", "greeter", "IO.puts(:x); 6 * 7", "--json").output
    #expect(facts.contains(#""node":"\#(node)","output":"x\n","value":"42""#), "\(facts)")
    try checkNode(node, on: stage)
  }

  /// A run's node is found by its name, its app or its instance, and so is its cookie.
  private func checkNode(_ node: String, on stage: Stage) throws {
    let answer = try stage.relctl("node", "rpc", node, "erlang", "node")
    #expect(answer.output == "'\(node)'\n", "\(answer.errors)")
    let table = try stage.relctl("node", "list")
    let rows = table.lines.filter { $0.hasPrefix(node) }
    #expect(rows.count == 1 && rows.first?.contains("greeter/web.1") == true, "\(table.output)")
    for name in ["greeter", "greeter/web.1", node] {
      let info = try stage.relctl("node", "info", name)
      #expect(info.exit == .code(0) && info.output.contains("from         greeter/web.1"))
      #expect(info.lines.contains { $0.contains("greeter") && $0.hasSuffix("running") })
    }
    let cookie = String(decoding: try Files.read(stage.home.app("greeter").cookie), as: UTF8.self)
    let all = try stage.relctl("node", "info", node, "--json").output + table.output
    #expect(!all.contains(cookie))
    let terminal = try ProgramTerminal(
      "relctl", ["node", "remote", node],
      environment: stage.environment.merging(["TERM": "xterm"]) { $1 })
    #expect(terminal.wait(for: "iex(\(node))1>"))
    for process in ProcessTable.all() {
      let words = (try? Files.read("/proc/\(process.pid)/cmdline", limit: 1 << 20)) ?? []
      #expect(!String(decoding: words, as: UTF8.self).contains(cookie))
    }
    terminal.signal(.term)
    #expect(try terminal.exit() != nil)
  }
}
