import Posix

/// A project of forty dependencies, each a git repository. Half of them have what makes builds slow: code that is
/// compiled again when a file changes, code that contains the path of its source, and native code.
struct LargeProject {
  static let dependencies = 40
  private static let modules = 8

  /// Makes the repositories and the project in a folder.
  /// - Returns: the project's folder.
  static func make(in folder: String, _ run: ([String], String) throws -> Void) throws -> String {
    let project = folder + "/large"
    var (deps, lock): ([String], [String]) = ([], [])
    for number in 1...dependencies {
      let name = "part\(number)"
      let repository = "\(folder)/repositories/\(name)"
      try write(dependency(name, isHeavy: number % 2 == 0), to: repository)
      let script =
        "git init -q && git add . && git -c user.name=x -c user.email=x@localhost commit -q -m x"
        + " && git rev-parse HEAD | tr -d '\\n' > ../\(name).commit"
      try run(["sh", "-c", script], repository)
      let commit = String(decoding: try Files.read("\(repository).commit"), as: UTF8.self)
      deps.append("{:\(name), git: \"file://\(repository)\"}")
      lock.append("  \"\(name)\": {:git, \"file://\(repository)\", \"\(commit)\", []},\n")
    }
    try write(
      [
        "mix.exs": mixfile("large", "deps: [\(deps.joined(separator: ", "))]"),
        "mix.lock": "%{\n\(lock.sorted().joined())}\n",
      ].merging(code("large", isHeavy: false)) { $1 }, to: project)
    return project
  }

  private static func write(_ files: [String: String], to folder: String) throws {
    for (path, text) in files {
      try Files.makeFolder(Files.parent(of: "\(folder)/\(path)"), mode: 0o755)
      try Files.replace("\(folder)/\(path)", with: Array(text.utf8), mode: 0o644)
    }
  }

  private static func mixfile(_ name: String, _ more: String) -> String {
    """
    defmodule \(module(name)).MixProject do
      use Mix.Project
      def project, do: [app: :\(name), version: "0.1.0", \(more)]
      def application, do: [extra_applications: [:logger]]
    end

    """
  }

  private static func module(_ name: String) -> String {
    name.prefix(1).uppercased() + name.dropFirst()
  }

  private static func dependency(_ name: String, isHeavy: Bool) -> [String: String] {
    let files = code(name, isHeavy: isHeavy)
    guard isHeavy else { return files.merging(["mix.exs": mixfile(name, "deps: []")]) { $1 } }
    return files.merging([
      "mix.exs": maker + mixfile(name, "compilers: [:part_make] ++ Mix.compilers()"),
      "words.txt": "words", "c_src/part.c": native(module(name)),
    ]) { $1 }
  }

  /// Modules with enough functions to keep a compiler busy.
  private static func code(_ name: String, isHeavy: Bool) -> [String: String] {
    var files: [String: String] = [:]
    for number in 1...modules {
      let functions = (1...40).map { line in
        "  def f\(line)(x), do: Enum.map(x, fn {a, b} -> {a + \(line), to_string(b)}; c -> c end)\n"
      }
      let heavy = """
          @external_resource "words.txt"
          @words File.read!("words.txt")
          def words, do: {@words, __ENV__.file}

        """
      files["lib/\(name)_\(number).ex"] =
        "defmodule \(module(name)).M\(number) do\n" + (isHeavy ? heavy : "") + functions.joined()
        + "end\n"
    }
    return files
  }

  private static let maker = """
    defmodule Mix.Tasks.Compile.PartMake do
      use Mix.Task.Compiler
      def run(_) do
        target = Path.join([Mix.Project.app_path(), "priv", "part.so"])
        File.mkdir_p!(Path.dirname(target))
        if Mix.Utils.stale?(["c_src/part.c"], [target]) do
          include = "#{:code.root_dir()}/erts-#{:erlang.system_info(:version)}/include"
          {_, 0} = System.cmd("cc", ~w(-g -O1 -fPIC -shared -I) ++ [include, "-o", target, Path.expand("c_src/part.c")])
        end
        {:ok, []}
      end
    end


    """

  private static func native(_ module: String) -> String {
    """
    #include <erl_nif.h>
    static ERL_NIF_TERM part(ErlNifEnv *env, int count, const ERL_NIF_TERM terms[]) {
      return enif_make_int(env, count);
    }
    static ErlNifFunc functions[] = {{"part", 0, part}};
    ERL_NIF_INIT(Elixir.\(module).M1, functions, NULL, NULL, NULL, NULL)

    """
  }
}
