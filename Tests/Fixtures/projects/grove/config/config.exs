import Config

config :roots, depth: 3
