import Config

fault = System.get_env("FAULT", "")

config :shop,
  fault: fault,
  port: String.to_integer(System.fetch_env!("PORT")),
  database: System.get_env("DATABASE_PORT", "1")

if fault == "fetch", do: System.fetch_env!("SHOP_SECRET")

if fault == "phoenix" do
  System.get_env("SECRET_KEY_BASE") ||
    raise """
    environment variable SECRET_KEY_BASE is missing.
    You can generate one by calling: mix phx.gen.secret
    """
end

if fault == "config", do: raise("the shop is closed on Sundays")
if fault == "number", do: String.to_integer(System.get_env("POOL_SIZE", "ten"))
if fault == "compile", do: config(:shop, tax: 7)

format = System.get_env("LOG_FORMAT", "plain")

if level = System.get_env("LOG_LEVEL"), do: config(:logger, level: String.to_atom(level))
if format == "coloured", do: config(:logger, :console, colors: [enabled: true])
if format == "json", do: config(:logger, :console, format: {Shop.JSONFormat, :format})
if format == "multiline", do: config(:logger, :console, format: "\n##### $date $time [$level]\n$metadata\n$message\n")
if format == "bare", do: config(:logger, :console, format: "$message\n")
if format == "sasl", do: config(:logger, handle_sasl_reports: true)
