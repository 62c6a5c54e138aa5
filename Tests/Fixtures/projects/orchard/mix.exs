defmodule Orchard.MixProject do
  use Mix.Project

  def project do
    [
      app: :orchard,
      version: "1.2.0",
      elixir: "~> 1.11",
      releases: [
        apple: [applications: [orchard: :permanent, runtime_tools: :permanent]],
        pear: [applications: [orchard: :permanent], include_executables_for: [:unix]]
      ]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Orchard.Application, []}]
end
