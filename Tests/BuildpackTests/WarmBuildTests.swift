import Buildpack
import Posix
import TestSupport
import Testing

/// A project with typical dependencies, built again with the cache of the build before.
@Suite(.waitsForPrograms) struct WarmBuildTests {
  /// Git repositories: one reads a file while it is compiled, one keeps the path of its source, one has native code, one is
  /// plain.
  private static let dependencies = [
    "reader": """
    defmodule Reader do
      @external_resource Path.join(__DIR__, "../word.txt")
      @word File.read!(Path.join(__DIR__, "../word.txt"))
      def word, do: @word
    end
    """,
    "keeper": """
    defmodule Keeper do
      defmacro __using__(_), do: quote(do: def(place, do: {__ENV__.file, unquote(__ENV__.file)}))
      def file, do: __ENV__.file
    end
    """,
    "native": """
    defmodule Native do
      @on_load :load
      def load, do: :erlang.load_nif(:filename.join(:code.priv_dir(:native), "native"), 0)
      def strike, do: :erlang.nif_error(:none)
    end
    """,
    "plain": "defmodule Plain do\n  def plain, do: 1\nend\n",
  ]

  private static func mixfile(_ name: String) -> String {
    let compilers = name == "native" ? ", compilers: [:native_make] ++ Mix.compilers()" : ""
    let task = """
      defmodule Mix.Tasks.Compile.NativeMake do
        use Mix.Task.Compiler
        def run(_) do
          priv = Path.join(Mix.Project.app_path(), "priv")
          File.mkdir_p!(priv)
          target = Path.join(priv, "native.so")
          if Mix.Utils.stale?(["c_src/native.c"], [target]) do
            include = "#{:code.root_dir()}/erts-#{:erlang.system_info(:version)}/include"
            IO.puts("compiling native code")
            {_, 0} = System.cmd("cc", ~w(-g -O1 -fPIC -shared -I) ++ [include, "-o", target, Path.expand("c_src/native.c")])
          end
          {:ok, []}
        end
      end

      """
    return (name == "native" ? task : "") + """
      defmodule \(name.prefix(1).uppercased() + name.dropFirst()).MixProject do
        use Mix.Project
        def project, do: [app: :\(name), version: "0.1.0"\(compilers)]
      end

      """
  }

  private static let native = """
    #include <erl_nif.h>
    static ERL_NIF_TERM strike(ErlNifEnv *env, int count, const ERL_NIF_TERM terms[]) {
      return enif_make_int(env, 42);
    }
    static ErlNifFunc functions[] = {{"strike", 0, strike}};
    ERL_NIF_INIT(Elixir.Native, functions, NULL, NULL, NULL, NULL)

    """

  /// - Returns: the text for `deps` in the project's mix.exs, and its mix.lock.
  private func makeRepositories(_ folder: TemporaryFolder) throws -> (deps: String, lock: String) {
    var (deps, lock): ([String], [String]) = ([], [])
    for (name, code) in Self.dependencies.sorted(by: { $0.key < $1.key }) {
      let place = "repositories/" + name
      try folder.write(place + "/mix.exs", Self.mixfile(name))
      try folder.write(place + "/lib/\(name).ex", code)
      try folder.write(place + "/word.txt", "deep")
      try folder.write(place + "/c_src/native.c", Self.native)
      let script = """
        cd "$0" && git init -q && git add . &&
        git -c user.name=x -c user.email=x@localhost commit -q -m x && git rev-parse HEAD
        """
      let commit =
        try Invocation(
          ["sh", "-c", script, folder.path + "/" + place],
          environment: ["PATH": Invocation.standardPath, "HOME": folder.path]
        ).run(limit: 30_000).text.split(separator: "\n").last ?? ""
      let url = "file://\(folder.path)/\(place)"
      deps.append("{:\(name), git: \"\(url)\"}")
      lock.append("  \"\(name)\": {:git, \"\(url)\", \"\(commit)\", []},\n")
    }
    return (deps.joined(separator: ", "), "%{\n\(lock.joined())}\n")
  }

  @Test func compilesOnlyChangedFiles() throws {
    let host = try BuildHost(
      Sample(name: "warm", project: "sprout", constant: "", answer: "", processes: []))
    let (deps, lock) = try makeRepositories(host.folder)
    try host.giveAway(host.folder.path + "/repositories")
    func build(_ place: String, _ text: String) throws -> [String] {
      let source = host.folder.path + "/" + place
      try host.folder.write(
        place + "/mix.exs",
        """
        defmodule Warm.MixProject do
          use Mix.Project
          def project, do: [app: :warm, version: "0.1.0", deps: [\(deps)]]
        end
        """)
      try host.folder.write(place + "/mix.lock", lock)
      try host.folder.write(
        place + "/lib/warm.ex",
        "defmodule Warm do\n  use Keeper\n  def text, do: {\"\(text)\", Native.strike()}\nend\n")
      try host.folder.write(place + "/lib/other.ex", "defmodule Other do\nend\n")
      try Files.setMode(source, 0o755)
      try host.giveAway(source)
      let result = try host.run(
        "compile", [source, host.cache], environment: ["RELPACK_BOOT_CHECK": "off"])
      try #require(result.exit == .code(0), "\(result.lines)")
      #expect(result.lines.filter { $0.hasPrefix(" !     ") } == [])
      return result.lines.map { String($0.drop { $0 == " " }) }.filter {
        $0.hasPrefix("Compiling ") || $0.hasPrefix("Generated ") || $0.hasPrefix("compiling ")
      }
    }
    let cold = try build("one", "a")
    #expect(cold.filter { $0.hasPrefix("Compiling ") }.count == 5)
    #expect(cold.contains("compiling native code"))
    #expect(try build("two", "a") == [])
    let changed = try build("three/deeper", "b")
    #expect(changed == ["Compiling 1 file (.ex)"])
  }
}
