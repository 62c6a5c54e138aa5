import Config

config :orchard, harvest: System.get_env("HARVEST")
