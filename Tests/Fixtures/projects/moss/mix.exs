defmodule Moss.MixProject do
  use Mix.Project

  def project, do: [app: :moss, version: "0.1.0"]
end
