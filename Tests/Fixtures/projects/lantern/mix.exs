defmodule Lantern.MixProject do
  use Mix.Project

  def project do
    [
      app: :lantern,
      version: "0.1.0",
      elixir: "~> 1.11",
      aliases: ["assets.deploy": ["cmd npm run --silent build --prefix assets", "lantern.digest"]]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Lantern.Application, []}]
end
