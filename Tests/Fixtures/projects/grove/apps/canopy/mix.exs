defmodule Canopy.MixProject do
  use Mix.Project

  def project do
    [
      app: :canopy,
      version: "0.1.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      deps: [{:roots, in_umbrella: true}]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Canopy.Application, []}]
end
