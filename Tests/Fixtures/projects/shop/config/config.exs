import Config

config :shop, tax: 19
