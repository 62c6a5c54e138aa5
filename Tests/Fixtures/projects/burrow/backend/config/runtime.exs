import Config

config :burrow, server: System.get_env("PHX_SERVER") != nil

if config_env() == :prod do
  config :burrow, key: System.fetch_env!("BURROW_KEY")
end
