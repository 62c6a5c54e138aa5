defmodule Grove.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "2.0.0",
      releases: [
        grove: [applications: [canopy: :permanent]],
        nursery: [applications: [roots: :permanent]]
      ]
    ]
  end
end
