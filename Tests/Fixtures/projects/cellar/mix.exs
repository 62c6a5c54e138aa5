defmodule Cellar.MixProject do
  use Mix.Project

  def project do
    [
      app: :cellar,
      version: "0.1.0",
      elixir: "~> 1.11",
      deps: [{:stone, path: "deps/stone"}, {:moss, git: "REMOTE"}]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Cellar.Application, []}]
end
