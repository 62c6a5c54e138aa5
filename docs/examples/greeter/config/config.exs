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

# The console's format has a new name since Elixir 1.15.
console = if Version.match?(System.version(), ">= 1.15.0"), do: :default_formatter, else: :console
config :logger, console, format: "$time [$level] $message\n"

case config_env() do
  :prod -> config :logger, level: :info
  :test -> config :greeter, port: 0
  :dev -> :ok
end
