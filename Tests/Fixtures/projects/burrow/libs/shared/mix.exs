defmodule Shared.MixProject do
  use Mix.Project

  def project, do: [app: :shared, version: "0.1.0"]
end
