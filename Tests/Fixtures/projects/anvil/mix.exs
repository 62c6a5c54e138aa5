defmodule Mix.Tasks.Compile.AnvilMake do
  use Mix.Task.Compiler

  def run(_arguments) do
    environment = [
      {"MIX_APP_PATH", Mix.Project.app_path()},
      {"ERTS_INCLUDE_DIR", "#{:code.root_dir()}/erts-#{:erlang.system_info(:version)}/include"}
    ]

    case System.cmd("make", [], env: environment, into: IO.stream(:stdio, :line)) do
      {_, 0} -> {:ok, []}
      {_, _} -> {:error, []}
    end
  end
end

defmodule Anvil.MixProject do
  use Mix.Project

  def project do
    [
      app: :anvil,
      version: "0.1.0",
      elixir: "~> 1.11",
      compilers: [:anvil_make] ++ Mix.compilers(),
      releases: [anvil: [steps: [:assemble, :tar]]]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Anvil.Application, []}]
end
