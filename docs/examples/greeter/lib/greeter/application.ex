defmodule Greeter.Application do
  @moduledoc false
  use Application

  require Logger

  @impl true
  def start(_type, _args) do
    Logger.info("Greeter #{Greeter.version()} starting")
    env = Application.get_all_env(:greeter)
    options = [strategy: :one_for_one, name: Greeter.Supervisor]

    with {:ok, pid} <- Supervisor.start_link(children(env), options) do
      Greeter.Readiness.announce()
      {:ok, pid}
    end
  end

  # Also called when the tree has given up; then there is nothing to drain.
  @impl true
  def prep_stop(state) do
    Logger.info("Greeter stopping")
    if Process.whereis(Greeter.Supervisor), do: drain()
    state
  end

  @impl true
  def stop(_state), do: Logger.info("Greeter stopped")

  # The tree still serves: a load balancer sees "not ready" before the port closes.
  defp drain do
    Greeter.Readiness.refuse("stopping")
    Process.sleep(Application.fetch_env!(:greeter, :stop_delay))
  end

  defp children(env) do
    [
      Greeter.Visits,
      {Greeter.Readiness, env[:not_ready]},
      {Greeter.Warmup, delay: env[:boot_delay], failure: env[:fail_boot]},
      {Greeter.Clock, env[:clock_interval]}
    ] ++ endpoint(env[:role], env) ++ fuse(env[:crash_after])
  end

  # Last of the workers, so that an open port means a started application.
  defp endpoint(:web, env), do: [{Greeter.Endpoint, port: env[:port]}]
  defp endpoint(:worker, _env), do: []

  defp fuse(nil), do: []
  defp fuse(delay), do: [{Greeter.Fuse, System.monotonic_time(:millisecond) + delay}]
end
