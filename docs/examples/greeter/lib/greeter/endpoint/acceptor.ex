defmodule Greeter.Endpoint.Acceptor do
  @moduledoc """
  Accepts connections and gives each a process of its own.
  """
  use Task, restart: :permanent

  alias Greeter.Endpoint.{Connection, Listener}

  require Logger

  # Longer than a connection may take to read a request and to answer it.
  @shutdown 5_000

  @doc "Options: `:connections`, the supervisor of them, and `:handler`."
  def start_link(options) do
    Task.start_link(fn ->
      accept(Listener.socket(), options[:connections], options[:handler])
    end)
  end

  defp accept(listener, connections, handler) do
    case :gen_tcp.accept(listener) do
      {:ok, socket} -> serve(socket, connections, handler)
      {:error, reason} -> pause(reason)
    end

    accept(listener, connections, handler)
  end

  defp serve(socket, connections, handler) do
    arguments = [socket, handler]
    options = [shutdown: @shutdown]

    case Task.Supervisor.start_child(connections, Connection, :serve, arguments, options) do
      {:ok, pid} -> :gen_tcp.controlling_process(socket, pid)
      {:error, :max_children} -> :gen_tcp.close(socket)
    end
  end

  # Out of file descriptors, most likely: connections that end will free some.
  defp pause(reason) do
    Logger.warning("cannot accept a connection: #{:inet.format_error(reason)}")
    Process.sleep(100)
  end
end
