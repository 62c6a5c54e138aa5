defmodule Burrow.MixProject do
  use Mix.Project

  def project do
    [
      app: :burrow,
      version: "0.1.0",
      elixir: "~> 1.11",
      start_permanent: Mix.env() == :prod,
      deps: [{:shared, path: "../libs/shared"}]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Burrow.Application, []}]
end
