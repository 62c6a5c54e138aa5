defmodule Greeter.Fuse do
  @moduledoc """
  Burns down the whole VM at a given time.

  It crashes, and again after each restart, until the supervisor gives up; the
  application is permanent in a release, so the VM goes down with it.
  """
  use GenServer

  @doc "Starts the fuse; `deadline` is in milliseconds of `System.monotonic_time/1`."
  def start_link(deadline), do: GenServer.start_link(__MODULE__, deadline, name: __MODULE__)

  @impl true
  def init(deadline) do
    Process.send_after(self(), :burnt, deadline, abs: true)
    {:ok, deadline}
  end

  @impl true
  def handle_info(:burnt, _deadline), do: raise("crashing, as GREETER_CRASH_AFTER_MS asks")
end
