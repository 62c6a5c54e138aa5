# The steps of a build that mix performs, in one process: to start the VM takes a third of a small app's build.
#
# It calls mix's own tasks for the steps that it is given, in their order, and reports on marked lines. It works with
# Elixir 1.11 and later. When it is called, mix has read mix.exs and the compile-time configuration; runtime.exs is
# parsed, never evaluated. It consists of anonymous functions, because those are evaluated: to compile a module of this
# size takes as long as to start mix.

say = fn words -> IO.puts(Enum.join([:persistent_term.get(:relpack_mark) | words], "\t")) end

refuse = fn words ->
  say.(words)
  exit({:shutdown, 1})
end

read = fn file ->
  case File.read(file) do
    {:ok, text} -> text
    _ -> ""
  end
end

# The project's own applications, with the path of each child of an umbrella.
owns = fn config -> Mix.Project.apps_paths() || %{config[:app] => nil} end

within = fn
  _app, nil, fun -> fun.()
  app, path, fun -> Mix.Project.in_project(app, path, fn _ -> fun.() end)
end

# Environment variables in a file of configuration

member = fn
  {:., _, [{:__aliases__, _, [module]}, name]} -> {module, name}
  {:., _, [module, name]} when is_atom(module) -> {module, name}
  name -> name
end

reads? = fn call -> member.(call) in [{:System, :get_env}, {:System, :fetch_env}, {:System, :fetch_env!}, {:os, :getenv}, :env!] end

converts? = fn call ->
  case member.(call) do
    {:String, name} -> String.starts_with?(to_string(name), "to_")
    _ -> false
  end
end

ends? = fn
  {call, _, _} -> member.(call) in [:raise, :throw, :exit, {:System, :halt}, {:System, :stop}]
  _ -> false
end

variable = fn
  {call, _, [name | _]} when is_binary(name) -> if reads?.(call), do: name
  {call, _, [[_ | _] = name | _]} -> if reads?.(call) and List.ascii_printable?(name), do: to_string(name)
  _ -> nil
end

environment? = fn
  {call, _, arguments} when arguments in [nil, []] -> member.(call) in [:config_env, {:Mix, :env}]
  _ -> false
end

# Whether a condition on the build's environment, such as `config_env() == :prod`, holds in this build; nil for others.
holds = fn
  holds, {:==, _, [name, call]} when is_atom(name) -> holds.(holds, {:==, [], [call, name]})
  _, {:==, _, [call, name]} when is_atom(name) -> if environment?.(call), do: name == Mix.env()
  _, {:in, _, [call, names]} when is_list(names) ->
    if environment?.(call) and Enum.all?(names, &is_atom/1), do: Mix.env() in names
  holds, {:!=, meta, sides} ->
    is = holds.(holds, {:==, meta, sides})
    if is != nil, do: not is
  holds, {word, _, [condition]} when word in [:not, :!] ->
    is = holds.(holds, condition)
    if is != nil, do: not is
  holds, {word, _, [left, right]} when word in [:and, :&&] ->
    sides = [holds.(holds, left), holds.(holds, right)]
    cond do
      false in sides -> false
      nil in sides -> nil
      true -> true
    end
  _, _ -> nil
end

# Collects the variables of a syntax tree. `need` is how much a required variable is needed here (a condition may skip
# it); `used` says that a missing value would make the boot fail.
walk = fn
  walk, {:|>, _, [value, {call, meta, arguments}]}, need, used, found when is_list(arguments) ->
    if reads?.(call) or converts?.(call),
      do: walk.(walk, {call, meta, [value | arguments]}, need, used, found),
      else: walk.(walk, arguments, need, false, walk.(walk, value, need, false, found))

  walk, {:||, _, [value, fallback]}, need, _, found ->
    if ends?.(fallback),
      do: walk.(walk, value, need, true, found),
      else: walk.(walk, fallback, "conditional", false, walk.(walk, value, need, false, found))

  walk, {call, meta, arguments} = node, need, used, found when is_list(arguments) ->
    name = variable.(node)
    cond do
      name ->
        sure = case {member.(call), arguments} do
          {{_, :fetch_env!}, _} -> true
          {:env!, _} -> length(arguments) < 3
          {_, [_]} -> used
          _ -> false
        end
        [{name, if(sure, do: need, else: "optional"), meta[:line] || 0} | found]
      converts?.(call) and arguments != [] ->
        walk.(walk, hd(arguments), need, true, walk.(walk, tl(arguments), need, false, found))
      call in [:if, :unless] ->
        [condition | branches] = arguments
        # The branch that this build's environment chooses.
        chosen = %{{:if, true} => :do, {:if, false} => :else, {:unless, false} => :do, {:unless, true} => :else}[{call, holds.(holds, condition)}]
        Enum.reduce(List.flatten(branches), walk.(walk, condition, need, false, found), fn
          {branch, body}, found -> walk.(walk, body, if(branch == chosen, do: need, else: "conditional"), false, found)
          other, found -> walk.(walk, other, "conditional", false, found)
        end)
      call == :case ->
        [subject | branches] = arguments
        walk.(walk, branches, "conditional", false, walk.(walk, subject, need, false, found))
      call in [:cond, :with, :for, :fn, :def, :defp, :&&, :and, :or, :try, :receive, :&, :quote] ->
        walk.(walk, arguments, "conditional", false, found)
      true ->
        walk.(walk, arguments, need, false, walk.(walk, call, need, false, found))
    end

  walk, {left, right}, need, _, found -> walk.(walk, right, need, false, walk.(walk, left, need, false, found))
  walk, [_ | _] = list, need, _, found -> Enum.reduce(list, found, &walk.(walk, &1, need, false, &2))
  _, _, _, _, found -> found
end

variables = fn file ->
  with {:ok, text} <- File.read(file), {:ok, ast} <- Code.string_to_quoted(text) do
    walk.(walk, ast, "required", false, []) |> Enum.reverse() |> Enum.uniq()
  else
    _ -> []
  end
end

# The variables that the functions of a source file read; it is not known whether they run.
code_variables = fn file ->
  text = read.(file)
  with true <- String.contains?(text, ["System.get_env", "System.fetch_env", "getenv"]), {:ok, ast} <- Code.string_to_quoted(text) do
    {_, found} = Macro.prewalk(ast, [], fn
      {call, _, [_, body]} = node, found when call in [:def, :defp] -> {node, walk.(walk, body, "conditional", false, found)}
      node, found -> {node, found}
    end)
    found |> Enum.reverse() |> Enum.uniq()
  else
    _ -> []
  end
end

# The source files of the project's own applications. Tasks of mix are in no release.
source_files = fn config ->
  for {app, path} <- owns.(config), folder <- within.(app, path, fn -> Mix.Project.config()[:elixirc_paths] || ["lib"] end),
      file <- Path.wildcard(Path.join([path || "", folder, "**/*.ex"])), file = Path.relative_to_cwd(file),
      Path.type(file) == :relative and hd(Path.split(file)) != ".." and not String.contains?(file, "lib/mix/tasks/"), do: file
end

# The steps

hook = fn hooks, name ->
  case List.keyfind(hooks, name, 0) do
    nil -> nil
    {_, text} ->
      say.(["hook", name])
      case System.cmd("bash", ["-c", text], into: IO.stream(:stdio, :line), stderr_to_stdout: true) do
        {_, 0} -> :ok
        {_, status} -> refuse.(["failed", name, to_string(status)])
      end
  end
end

hook? = fn hooks, name -> List.keymember?(hooks, name, 0) end

command = fn program, arguments, folder ->
  System.find_executable(program) || refuse.(["missing", program])
  case System.cmd(program, arguments, cd: folder, into: IO.stream(:stdio, :line), stderr_to_stdout: true) do
    {_, 0} -> :ok
    {_, status} -> exit({:shutdown, status})
  end
end

# Asks relpack which releases to build; the answer is one line on standard input.
choose = fn config ->
  names = for {name, _} <- config[:releases] || [], do: Atom.to_string(name)
  implicit = if config[:apps_path], do: "", else: Atom.to_string(config[:app])
  say.(["releases", to_string(config[:default_release]), implicit | names])
  case IO.gets("") do
    line when is_binary(line) -> String.split(line)
    _ -> exit({:shutdown, 1})
  end
end

describe = fn config ->
  for {app, path} <- owns.(config) do
    licenses = within.(app, path, fn -> List.wrap(Mix.Project.config()[:package][:licenses]) end)
    say.(["own", to_string(app) | licenses])
  end
  folder = Path.dirname(config[:config_path] || "config/config.exs")
  own = for {_, release} <- config[:releases] || [], is_list(release), path = release[:runtime_config_path], is_binary(path), do: path
  at_boot = Enum.uniq(Enum.map([Path.join(folder, "runtime.exs"), Path.join(folder, "releases.exs") | own], &Path.relative_to_cwd/1))
  for file <- at_boot, {name, need, line} <- variables.(file), do: say.(["variable", name, need, file, to_string(line)])
  for file <- Enum.sort(Enum.uniq(source_files.(config))), {name, need, line} <- code_variables.(file),
    do: say.(["variable", name, need, file, to_string(line)])
  # The files of other environments are not read.
  others = for name <- ["dev", "test", "prod"], name != Atom.to_string(Mix.env()), do: name <> ".exs"
  for file <- Path.wildcard(Path.join(folder, "*.exs")), file = Path.relative_to_cwd(file), file not in at_boot, Path.basename(file) not in others,
      {name, _, line} <- variables.(file), do: say.(["misuse", name, file, to_string(line)])
end

options = fn
  {_, options} when is_list(options) -> options
  {_, _, options} when is_list(options) -> options
  _ -> []
end

used? = fn dependency, test ->
  only = List.wrap(options.(dependency)[:only])
  only == [] or test or Mix.env() in only
end

has? = fn dependency, keys -> Enum.any?(keys, &Keyword.has_key?(options.(dependency), &1)) end

# The dependencies of this environment, with the dependencies of those that lie beside the project.
wanted = fn wanted, list, folder, test ->
  Enum.flat_map(list, fn dependency ->
    path = options.(dependency)[:path]
    file = path && Path.expand(path, folder)
    cond do
      not used?.(dependency, test) or has?.(dependency, [:in_umbrella]) -> []
      path && File.regular?(Path.join(file, "mix.exs")) ->
        app = elem(dependency, 0)
        inner = Mix.Project.in_project(app, file, fn _ -> Mix.Project.config()[:deps] || [] end)
        [dependency | wanted.(wanted, inner, file, test)]
      true -> [dependency]
    end
  end)
end

# Hex is fetched only if this environment needs it. mix itself wants Hex if any dependency is a package, even one for the
# tests of a dependency. Such packages are not used in this environment; a source module of our own accepts and ignores
# them.
hex = fn wanted, lock ->
  package? = fn dependency -> not has?.(dependency, [:path, :git, :github, :in_umbrella]) end
  cond do
    Enum.any?(wanted, package?) ->
      Mix.Task.run("local.hex", ["--force", "--if-missing"])
      # A rebar3 from PATH or from the image is used if there is one.
      System.get_env("MIX_REBAR3") || Mix.Task.run("local.rebar", ["--force", "--if-missing"])
    Code.ensure_loaded?(Hex) -> :ok
    true ->
      # The dependencies of a git repository are known only after it is fetched, unless the lock file names them.
      if lock =~ "{:hex," and Enum.any?(wanted, &has?.(&1, [:git, :github])) do
        try do
          Mix.Task.run("local.hex", ["--force", "--if-missing"])
        rescue
          _ -> :ok
        end
      end
      unless Code.ensure_loaded?(Hex) do
        defmodule Relpack.Unused do
          def fetchable?, do: false
          def checked_out?(_), do: true
          def lock_status(_), do: :ok
          def equal?(_, _), do: true
          def managers(_), do: []
          def format(_), do: "not used"
          def format_lock(_), do: nil
          def accepts_options(_, options) do
            only = List.wrap(options[:only])
            if only != [] and Mix.env() not in only, do: options
          end
        end
        Mix.SCM.append(Relpack.Unused)
      end
  end
end

# Reports the dependencies that lie elsewhere than fetched ones do: their source may change as the project's own does.
near = fn ->
  fetched = Path.expand(Mix.Project.deps_path()) <> "/"
  for {app, path} <- Mix.Project.deps_paths(), path = Path.expand(path), not String.starts_with?(path, fetched),
    do: say.(["near", to_string(app), path])
end

dependencies = fn config, hooks, test ->
  hook.(hooks, "hook_pre_fetch_dependencies")
  children = for {app, path} <- owns.(config), do: {within.(app, path, fn -> Mix.Project.config()[:deps] || [] end), path || "."}
  wanted = Enum.uniq(Enum.flat_map([{config[:deps] || [], "."} | children], fn {list, folder} -> wanted.(wanted, list, Path.expand(folder), test) end))
  lockfile = config[:lockfile] || "mix.lock"
  lock = read.(lockfile)
  hex.(wanted, lock)
  if wanted != [] do
    say.(["step", "dependencies"])
    Mix.Task.run("deps.get", if(test, do: [], else: ["--only", Atom.to_string(Mix.env())]))
    now = read.(lockfile)
    cond do
      lock == "" and now =~ "{:" -> say.(["unlocked"])
      lock != "" and now != lock -> refuse.(["lock", lockfile])
      true -> :ok
    end
  end
  near.()
end

compile = fn hooks, steady ->
  say.(["step", "compile"])
  hook.(hooks, "hook_pre_compile")
  unless hook?.(hooks, "hook_compile") do
    # This compiles the dependencies, so that the modules which `steady` changes are there.
    Mix.Task.run("deps.loadpaths", [])
    steady.(Phoenix.LiveView.Router, {"erlang", "system_time", 0})
  end
  # If the hook does not compile everything, mix release does.
  hook.(hooks, "hook_compile") || Mix.Task.run("compile", [])
  hook.(hooks, "hook_post_compile")
end

# First npm's packages, then the project's alias assets.deploy: esbuild, tailwind, phx.digest.
assets = fn config, hooks, folders ->
  deploy? = fn -> List.keymember?(Mix.Project.config()[:aliases] || [], :"assets.deploy", 0) end
  deploys = Enum.filter(owns.(config), fn {app, path} -> within.(app, path, deploy?) end)
  if folders != [] or deploys != [] or hook?.(hooks, "assets"), do: say.(["step", "assets"])
  for folder <- folders do
    how = if File.exists?(Path.join(folder, "package-lock.json")), do: "ci", else: "install"
    command.("npm", [how, "--no-audit", "--no-fund", "--include=dev"], folder)
    if deploys == [] and read.(Path.join(folder, "package.json")) =~ ~r/"deploy"\s*:/, do: command.("npm", ["run", "deploy"], folder)
  end
  hook.(hooks, "assets")
  for {app, path} <- deploys, do: within.(app, path, fn -> Mix.Task.rerun("assets.deploy", []) end)
  if deploys == [] and folders != [] and Mix.Task.get("phx.digest"), do: Mix.Task.run("phx.digest", [])
end

# Several releases get a folder each, since they would write over each other's boot files.
release = fn names, target ->
  say.(["step", "release"])
  # Tasks may run again, so that the release gets the code and the `priv` that hooks and assets have added.
  Mix.Task.clear()
  run = fn name, target -> Mix.Task.rerun("release", name ++ ["--overwrite", "--quiet", "--path", target]) end
  case names do
    ["."] -> run.([], target)
    [name] -> run.([name], target)
    names -> for name <- names, do: run.([name], Path.join([target, "rel", name]))
  end
end

:persistent_term.put(:relpack_build, fn [mark | words] ->
  :persistent_term.put(:relpack_mark, mark)
  {options, []} = OptionParser.parse!(words, strict: [target: :string, step: :keep, hook: :keep, npm: :keep])
  steps = for {:step, step} <- options, do: step
  test = "release" not in steps
  config = Mix.Project.config()
  hooks = for {:hook, hook} <- options, do: List.to_tuple(String.split(hook, "=", parts: 2))
  steady = if test, do: fn _, _ -> :ok end, else: :persistent_term.get(:relpack_steady)
  steady.(:elixir_module, {"erlang", "unique_integer", 0})
  steady.(Regex, {"re", "compile", 2})
  names = if test, do: [], else: choose.(config)
  describe.(config)
  perform = %{
    "dependencies" => fn -> dependencies.(config, hooks, test) end,
    "compile" => fn -> compile.(hooks, steady) end,
    "assets" => fn -> assets.(config, hooks, for({:npm, folder} <- options, do: folder)) end,
    "release" => fn -> release.(names, options[:target]) end
  }
  for step <- steps, do: perform[step].()
  say.(["done"])
end)

defmodule Mix.Tasks.Reltui.Build do
  use Mix.Task
  def run(words), do: :persistent_term.get(:relpack_build).(words)
end
