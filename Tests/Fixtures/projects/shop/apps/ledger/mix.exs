defmodule Ledger.MixProject do
  use Mix.Project

  def project, do: [app: :ledger, version: "0.2.0", elixir: "~> 1.14"]
  def application, do: [mod: {Ledger.Application, []}, extra_applications: [:logger]]
end
