import Buildpack
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

/// The environment variables that run-time configuration reads, in the manifest of a real build.
@Suite(.waitsForPrograms) struct VariableScanTests {
  /// Lines of config/runtime.exs with the variables that they read. A build never evaluates the file.
  static let lines: [(text: String, found: [String])] = [
    ("import Config", []),
    (#"a = System.fetch_env!("A")"#, ["A required"]),
    (#"b = System.get_env("B")"#, ["B optional"]),
    (#"b = System.get_env("C", "x")"#, ["C optional"]),
    (#"d = String.to_integer(System.get_env("D"))"#, ["D required"]),
    (#"d = String.to_integer(System.get_env("E", "1"))"#, ["E optional"]),
    (#"d = System.get_env("F") |> String.to_integer()"#, ["F required"]),
    (#"d = "G" |> System.fetch_env!()"#, ["G required"]),
    (#"h = System.get_env("H") || raise "H is missing""#, ["H required"]),
    (#"i = System.get_env("I") || "x""#, ["I optional"]),
    (#"i = System.get_env("J") || System.fetch_env!("K")"#, ["J optional", "K conditional"]),
    (#"if config_env() == :prod, do: System.fetch_env!("L")"#, ["L required"]),
    (#"if System.get_env("M"), do: System.fetch_env!("N")"#, ["M optional", "N conditional"]),
    (
      #"case System.get_env("O") do nil -> System.fetch_env!("P"); o -> o end"#,
      ["O optional", "P conditional"]
    ),
    (#"q = :os.getenv('Q')"#, ["Q optional"]),
    (
      #"config :sprout, soil: System.fetch_env!("R"), pool: [size: System.get_env("S")]"#,
      ["R required", "S optional"]
    ),
    (#"name = "T"; System.fetch_env!(name)"#, []),
    (#"# System.fetch_env!("U")"#, []),
    (#""System.fetch_env!(\"V\")""#, []),
    (#"for n <- [1], do: System.fetch_env!("W")"#, ["W conditional"]),
    (#"System.fetch_env("X")"#, ["X optional"]),
    (#"w = System.fetch_env!("A")"#, ["A required"]),
    (#"if config_env() == :dev, do: System.fetch_env!("DA")"#, ["DA conditional"]),
    (#"unless config_env() == :dev, do: System.fetch_env!("DB")"#, ["DB required"]),
    (
      #"if :prod == Mix.env() do System.fetch_env!("DC") else System.fetch_env!("DD") end"#,
      ["DC required", "DD conditional"]
    ),
    (#"if config_env() in [:prod, :staging], do: System.fetch_env!("DE")"#, ["DE required"]),
    (#"if config_env() != :prod, do: System.fetch_env!("DF")"#, ["DF conditional"]),
    (
      #"if config_env() == :prod and System.get_env("DG"), do: System.fetch_env!("DH")"#,
      ["DG optional", "DH conditional"]
    ),
    (#"try do System.fetch_env!("DI") rescue _ -> nil end"#, ["DI conditional"]),
    (#"_ = &(System.fetch_env!("DJ") <> &1)"#, ["DJ conditional"]),
  ]

  /// Lines of a module in `lib`. Only what functions read is found: the rest is read when the module is compiled.
  static let code: [(text: String, found: [String])] = [
    ("defmodule Sprout.Reads do", []),
    (#"  @built System.get_env("CA")"#, []),
    (#"  def built, do: @built"#, []),
    (#"  def a, do: System.fetch_env!("CB")"#, ["CB conditional"]),
    (#"  def b, do: System.get_env("CC", "x")"#, ["CC optional"]),
    (#"  defp c(x) when x, do: String.to_integer(System.get_env("CD"))"#, ["CD conditional"]),
    (#"  def d, do: {c(true), :os.getenv('CE')}"#, ["CE optional"]),
    (#"  def e(name), do: System.get_env(name)"#, []),
    ("end", []),
  ]

  @Test func findsTheVariablesOfEachLine() throws {
    let host = try BuildHost(
      Sample(
        name: "variables", project: "sprout", constant: "", answer: "", processes: [],
        says: []))
    let source = try host.unpack("source") { source in
      try Files.remove(source + "/config/releases.exs")
      try rewrite(
        source + "/config/runtime.exs", Self.lines.map(\.text).joined(separator: "\n") + "\n")
      try Files.makeFolder(source + "/lib/mix/tasks")
      let task =
        "defmodule Mix.Tasks.Sprout do\n  use Mix.Task\n  def run(_), do: System.fetch_env!(\"TASK\")\nend\n"
      try rewrite(source + "/lib/mix/tasks/sprout.ex", task)
      try rewrite(
        source + "/lib/reads.ex", Self.code.map(\.text).joined(separator: "\n") + "\n")
    }
    let result = try host.compile(source)
    try #require(result.exit == .code(0), "\(result.lines)")
    let manifest = try Manifest(bytes: try Files.read(source + "/" + Manifest.path))
    let variables = manifest.variables ?? []
    let files = ["config/runtime.exs": Self.lines, "lib/reads.ex": Self.code]
    #expect(!variables.contains { $0.name == "TASK" })
    for (file, lines) in files {
      for (index, line) in lines.enumerated() {
        let found = variables.filter { $0.file == file && $0.line == index + 1 }
        #expect(found.map { "\($0.name) \($0.need)" }.sorted() == line.found, "\(line.text)")
      }
    }
  }
}
