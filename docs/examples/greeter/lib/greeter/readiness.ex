defmodule Greeter.Readiness do
  @moduledoc """
  Whether this instance wants traffic, and if not, why.

  An operator can change it in a running node:

      bin/greeter rpc 'Greeter.Readiness.refuse("maintenance")'
      bin/greeter rpc 'Greeter.Readiness.accept()'
  """
  use GenServer

  require Logger

  @doc "Starts ready, or with the reason not to be."
  def start_link(reason), do: GenServer.start_link(__MODULE__, reason, name: __MODULE__)

  @doc "Returns `:ready` or `{:not_ready, reason}`."
  def status, do: GenServer.call(__MODULE__, :status)

  @doc "Wants traffic from now on."
  def accept, do: GenServer.call(__MODULE__, {:change, :ready})

  @doc "Wants no traffic from now on."
  def refuse(reason), do: GenServer.call(__MODULE__, {:change, {:not_ready, reason}})

  @doc "Logs the status."
  def announce, do: log(status())

  @impl true
  def init(nil), do: {:ok, :ready}
  def init(reason), do: {:ok, {:not_ready, reason}}

  @impl true
  def handle_call(:status, _from, status), do: {:reply, status, status}
  def handle_call({:change, status}, _from, status), do: {:reply, :ok, status}

  def handle_call({:change, status}, _from, _old) do
    log(status)
    {:reply, :ok, status}
  end

  defp log(:ready), do: Logger.info("ready")
  defp log({:not_ready, reason}), do: Logger.warning("not ready: #{reason}")
end
