defmodule Greeter.Clock do
  @moduledoc """
  Says at a steady interval that the instance is alive.
  """
  use GenServer

  require Logger

  @doc "Starts the clock; `interval` is in milliseconds."
  def start_link(interval), do: GenServer.start_link(__MODULE__, interval)

  @impl true
  def init(interval) do
    :timer.send_interval(interval, :tick)
    {:ok, System.monotonic_time(:second)}
  end

  @impl true
  def handle_info(:tick, started) do
    uptime = System.monotonic_time(:second) - started
    Logger.info("up #{uptime} s, #{Greeter.Visits.count()} visits")
    {:noreply, started}
  end
end
