defmodule Greeter.Endpoint.Listener do
  @moduledoc """
  Owns the listening socket.
  """
  use GenServer

  require Logger

  @options [
    :binary,
    ip: {127, 0, 0, 1},
    packet: :http_bin,
    # OTP closes the connection on a longer line.
    packet_size: 8_192,
    active: false,
    reuseaddr: true,
    backlog: 1_024,
    send_timeout: 5_000,
    send_timeout_close: true
  ]

  def start_link(port), do: GenServer.start_link(__MODULE__, port, name: __MODULE__)

  @doc "The listening socket."
  def socket, do: GenServer.call(__MODULE__, :socket)

  @doc "The port that is listened on."
  def port do
    {:ok, port} = :inet.port(socket())
    port
  end

  @impl true
  def init(port) do
    with {:ok, socket} <- :gen_tcp.listen(port, @options),
         {:ok, port} <- :inet.port(socket) do
      Logger.info("Greeter #{Greeter.version()} listening on 127.0.0.1:#{port}")
      {:ok, socket}
    else
      {:error, reason} ->
        Logger.error("cannot listen on 127.0.0.1:#{port}: #{:inet.format_error(reason)}")
        {:stop, reason}
    end
  end

  @impl true
  def handle_call(:socket, _from, socket), do: {:reply, socket, socket}
end
