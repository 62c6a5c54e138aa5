defmodule Stone.MixProject do
  use Mix.Project

  def project, do: [app: :stone, version: "0.3.0"]
end
