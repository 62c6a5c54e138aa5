defmodule DBConnection.ConnectionError do
  defexception [:message, severity: :error, reason: :error]
end

defmodule Postgrex.Error do
  defexception [:message]
end

defmodule Redix.ConnectionError do
  defexception [:reason]
  def message(%{reason: reason}), do: List.to_string(:inet.format_error(reason))
end

defmodule Mint.TransportError do
  defexception [:reason]
  def message(%{reason: reason}), do: List.to_string(:inet.format_error(reason))
end

defmodule Shop.StandIn do
  @moduledoc "Fails as well-known libraries do, with what they print."
  use GenServer
  require Logger

  def child_spec(what), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [what]}}

  def start_link("ecto" = what), do: run(what)
  def start_link("oban" <> _ = what), do: run(what)
  def start_link("bandit" = what), do: run(what)
  def start_link("ranch" = what), do: run(what)
  def start_link("redix_s" = what), do: run(what)
  def start_link("finch" = what), do: run(what)
  def start_link("digest" = what), do: run(what)
  def start_link(what), do: GenServer.start_link(__MODULE__, what, name: Shop.Repo)

  def init(what) do
    Process.send_after(self(), what, 0)
    {:ok, what}
  end

  def handle_info("pg_pass" = what, state) do
    refused("** (Postgrex.Error) FATAL 28P01 (invalid_password) password authentication failed for user \"shop\"")
    again(what, state)
  end

  def handle_info("pg_db" = what, state) do
    refused("** (Postgrex.Error) FATAL 3D000 (invalid_catalog_name) database \"shop_prod\" does not exist")
    again(what, state)
  end

  def handle_info("pg_name" = what, state) do
    refused("** (DBConnection.ConnectionError) tcp connect (db.shop.internal:5432): non-existing domain - :nxdomain")
    again(what, state)
  end

  def handle_info("pg_pool" = what, state) do
    raise DBConnection.ConnectionError, """
    [Shop.Repo] connection not available and request was dropped from queue after 2987ms. \
    This means requests are coming in and your connection pool cannot serve them fast enough. \
    You can address this by:

      1. Ensuring your database is available and that you can connect to it
      2. Tracking down slow queries and making sure they are running fast enough
    """

    again(what, state)
  end

  def handle_info("pg" <> _ = what, state) do
    refused("** (DBConnection.ConnectionError) tcp connect (127.0.0.1:5432): connection refused - :econnrefused")
    again(what, state)
  end

  def handle_info("redix" = what, state) do
    Logger.error("Connection #{inspect(self())} failed to connect to Redis at 127.0.0.1:6379: connection refused")
    again(what, state)
  end

  defp refused(message), do: Logger.error("Postgrex.Protocol (#{inspect(self())}) failed to connect: " <> message)

  defp again(what, state) do
    Process.send_after(self(), what, 300)
    {:noreply, state}
  end

  defp run("ecto") do
    raise "could not lookup Ecto repo Shop.Repo because it was not started or it does not exist"
  end

  defp run("oban_c") do
    raise "No Oban instance named `Oban` is running and config isn't available.\n"
  end

  defp run("oban_t") do
    raise Postgrex.Error,
      message: "ERROR 42P01 (undefined_table) relation \"public.oban_jobs\" does not exist\n\n    query: SELECT 1"
  end

  defp run("bandit") do
    Logger.error("Running Shop.Web with Bandit 1.5.7 at http failed, port #{port()} already in use")
    {:error, {:shutdown, {:failed_to_start_child, :listener, :eaddrinuse}}}
  end

  defp run("ranch") do
    Logger.error("Running Shop.Web with cowboy 2.12.0 at http failed, port already in use")
    {:error, {:shutdown, {:failed_to_start_child, :ranch_acceptors_sup, {:listen_error, Shop.Web.HTTP, :eaddrinuse}}}}
  end

  defp run("redix_s"), do: {:error, %Redix.ConnectionError{reason: :econnrefused}}

  defp run("finch") do
    {:error, %Mint.TransportError{reason: :nxdomain}} |> then(fn {:error, error} -> raise error end)
  end

  defp run("digest") do
    Logger.error(
      "Could not find static manifest at \"/app/lib/shop-0.1.0/priv/static/cache_manifest.json\". " <>
        "Run \"mix phx.digest\" after building your static files or remove the \"cache_static_manifest\" configuration from your config files."
    )

    :ignore
  end

  defp port, do: System.get_env("OTHER_PORT", "4000")
end
