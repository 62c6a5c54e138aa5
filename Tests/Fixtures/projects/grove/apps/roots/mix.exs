defmodule Roots.MixProject do
  use Mix.Project

  def project do
    [
      app: :roots,
      version: "0.1.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock"
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
