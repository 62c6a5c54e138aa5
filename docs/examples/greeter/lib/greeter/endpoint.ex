defmodule Greeter.Endpoint do
  @moduledoc """
  An HTTP/1.1 server on the loopback interface, with connections that are kept and websockets.

  Children stop in reverse order: first accepting ends, then the port is
  closed, then the connections finish the requests that they have read.
  """
  use Supervisor

  alias Greeter.Endpoint.{Acceptor, Listener}

  @connections Greeter.Endpoint.Connections

  @doc """
  Options: `:port` (0 picks a free one) and `:handler`, a function of method, path
  and body that returns status and body.
  """
  def start_link(options), do: Supervisor.start_link(__MODULE__, options, name: __MODULE__)

  @impl true
  def init(options) do
    handler = Keyword.get(options, :handler, &Greeter.Router.call/3)

    children = [
      {Task.Supervisor, name: @connections, max_children: 1_000},
      {Listener, options[:port]},
      {Acceptor, connections: @connections, handler: handler}
    ]

    Supervisor.init(children, strategy: :rest_for_one)
  end
end
