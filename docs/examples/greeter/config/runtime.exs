import Config

if config_env() == :prod do
  config :greeter,
    greeting: System.fetch_env!("GREETER_GREETING"),
    boot_delay: String.to_integer(System.get_env("GREETER_BOOT_DELAY_MS", "0")),
    fail_boot: System.get_env("GREETER_FAIL_BOOT"),
    not_ready: System.get_env("GREETER_NOT_READY"),
    stop_delay: String.to_integer(System.get_env("GREETER_STOP_DELAY_MS", "0")),
    fail_migration: System.get_env("GREETER_FAIL_MIGRATION") == "1"

  if delay = System.get_env("GREETER_CRASH_AFTER_MS") do
    config :greeter, crash_after: String.to_integer(delay)
  end

  case System.get_env("GREETER_ROLE", "web") do
    "web" -> config :greeter, role: :web, port: String.to_integer(System.fetch_env!("PORT"))
    "worker" -> config :greeter, role: :worker
    other -> raise "GREETER_ROLE must be web or worker, not #{inspect(other)}"
  end
end
