defmodule Greeter.Warmup do
  @moduledoc """
  The slow part of boot: pretends to load what greeting needs.

  It works in `init/1`, so that nothing after it starts before it is done, and
  leaves no process behind.
  """
  use GenServer, restart: :temporary

  require Logger

  @steps ["phrase book", "manners", "accents", "small talk"]

  @doc """
  Options: `:delay`, how long all steps take in milliseconds, and `:failure`, the
  reason to fail with after them.
  """
  def start_link(options), do: GenServer.start_link(__MODULE__, options)

  @impl true
  def init(options) do
    pause = div(options[:delay], length(@steps))

    for {step, number} <- Enum.with_index(@steps, 1) do
      Logger.info("warming up #{number}/#{length(@steps)}: #{step}")
      Process.sleep(pause)
    end

    if reason = options[:failure], do: raise(reason)
    :ignore
  end
end
