import Posix

/// The part of a build that mix does, as one process: starting the VM is a third of a small app's build.
///
/// A task that lives in memory only calls mix's own tasks one after the other and says on marked lines where it is.
struct MixBuild {
  /// What the task reports.
  enum Report: Hashable {
    case tools(elixir: String, otp: String)
    case step(BuildStep)
    case refused(BuildFailure)
  }

  let plan: BuildPlan
  /// Where `mix release` puts the release, relative to the source.
  let target: String
  /// Marks our own lines; random, so that no output of a tool is taken for one.
  let mark = "relpack-" + Random.hex(8)

  func invocation(_ environment: BuildEnvironment) -> Invocation {
    Invocation(
      [
        "elixir", "-e", Self.task, "-S", "mix", "reltui.build", mark, target,
        plan.chosenRelease ?? "",
      ], in: plan.source, environment: environment.variables)
  }

  /// A marked line's meaning; nil for a line of a tool.
  func report(_ line: String) -> Report? {
    let words = line.split(separator: " ").map(String.init)
    guard words.count > 1, words[0] == mark else { return nil }
    let rest = Array(words.dropFirst(2))
    switch (words[1], rest.count) {
    case ("tools", 2): return .tools(elixir: rest[0], otp: rest[1])
    case ("step", 1): return BuildStep(rawValue: rest[0]).map(Report.step)
    case ("umbrella", 0): return .refused(.umbrella)
    case ("ambiguous", _): return .refused(.releaseAmbiguous(names: rest))
    case ("unknown", 1...):
      return .refused(.releaseUnknown(rest[0], names: Array(rest.dropFirst())))
    default: return nil
    }
  }

  /// What failed, by the step that was begun last.
  static func failure(in step: BuildStep, _ exit: Exit) -> BuildFailure {
    switch step {
    case .check, .tools: .project(exit)
    case .dependencies: .dependencies(exit)
    case .compile: .compile(exit)
    case .release, .finish: .release(exit)
    }
  }

  /// Works with Elixir 1.11 and later. mix has read mix.exs and the compile-time configuration when it is
  /// called; runtime.exs is not evaluated. Packages need Hex and Rebar; vendored, local and git ones do not.
  private static let task = #"""
    defmodule Mix.Tasks.Reltui.Build do
      use Mix.Task

      def run([mark, target, chosen]) do
        say = fn words -> IO.puts(Enum.join([mark | words], " ")) end
        config = Mix.Project.config()
        say.(["tools", System.version(), System.otp_release()])
        if config[:apps_path], do: refuse(say, ["umbrella"])
        name = release(say, config, chosen)
        dependencies(say, config)
        say.(["step", "compile"])
        Mix.Task.run("compile", [])
        say.(["step", "release"])
        Mix.Task.run("release", name ++ ["--overwrite", "--quiet", "--path", target])
      end

      defp release(say, config, chosen) do
        names = for {name, _} <- config[:releases] || [], do: Atom.to_string(name)
        implicit = if names == [], do: [Atom.to_string(config[:app])], else: []
        cond do
          chosen in names -> [chosen]
          chosen != "" and chosen not in implicit ->
            refuse(say, ["unknown", chosen | names ++ implicit])
          length(names) > 1 and config[:default_release] == nil ->
            refuse(say, ["ambiguous" | names])
          true -> []
        end
      end

      defp dependencies(say, config) do
        lock = case File.read(config[:lockfile] || "mix.lock") do
          {:ok, text} -> text
          _ -> ""
        end
        wanted = config[:deps] |> Enum.map(&options/1) |> Enum.filter(&wanted?/1)
        packages = lock =~ "{:hex," or Enum.any?(wanted, &package?/1)
        if wanted != [] or lock =~ "{:" do
          say.(["step", "dependencies"])
          if packages do
            Mix.Task.run("local.hex", ["--force", "--if-missing"])
            Mix.Task.run("local.rebar", ["--force", "--if-missing"])
          end
          Mix.Task.run("deps.get", ["--only", Atom.to_string(Mix.env())])
        end
      end

      defp options({_, options}) when is_list(options), do: options
      defp options({_, _, options}) when is_list(options), do: options
      defp options(_), do: []

      defp wanted?(options) do
        only = List.wrap(options[:only])
        only == [] or Mix.env() in only
      end

      defp package?(options) do
        not Enum.any?([:path, :git, :github, :in_umbrella], &Keyword.has_key?(options, &1))
      end

      defp refuse(say, words) do
        say.(words)
        exit({:shutdown, 1})
      end
    end
    """#
}
