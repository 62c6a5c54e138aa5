import Config

config :sprout, soil: System.get_env("SOIL", "loam")
