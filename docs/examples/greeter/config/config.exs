import Config

config :greeter,
  role: :web,
  port: 4000,
  greeting: "Hello",
  clock_interval: 10_000,
  boot_delay: 0,
  fail_boot: nil,
  not_ready: nil,
  crash_after: nil,
  stop_delay: 0,
  fail_migration: false

# Elixir 1.14 reads `:console`, later versions `:default_formatter`.
for key <- [:console, :default_formatter] do
  config :logger, key, format: "$time [$level] $message\n"
end

case config_env() do
  :prod -> config :logger, level: :info
  :test -> config :greeter, port: 0
  :dev -> :ok
end
