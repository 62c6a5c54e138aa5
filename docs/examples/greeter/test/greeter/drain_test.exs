defmodule Greeter.DrainTest do
  use ExUnit.Case

  import Greeter.HTTP

  alias Greeter.Endpoint
  alias Greeter.Endpoint.Listener

  setup do
    :ok = Supervisor.terminate_child(Greeter.Supervisor, Endpoint)
    on_exit(fn -> Supervisor.restart_child(Greeter.Supervisor, Endpoint) end)
  end

  test "a stop waits for the answer to a request that was read" do
    test = self()

    handler = fn :GET, "/slow", "" ->
      send(test, {:read, self()})
      receive do: (:go -> {200, "at last\n"})
    end

    start_supervised!({Endpoint, port: 0, handler: handler})
    port = Listener.port()
    client = Task.async(fn -> get(port, "/slow") end)
    assert_receive {:read, connection}

    Task.async(fn ->
      await_refusal(port)
      send(connection, :go)
    end)

    assert :ok = stop_supervised(Endpoint)
    assert {200, "at last\n"} = Task.await(client)
  end

  test "a failing handler costs its own request only" do
    handler = fn
      :GET, "/ok", "" -> {200, "ok\n"}
      :GET, "/exit", "" -> exit(:gone)
    end

    start_supervised!({Endpoint, port: 0, handler: handler})
    port = Listener.port()

    assert {500, _} = get(port, "/raise")
    assert {500, _} = get(port, "/exit")
    assert {200, "ok\n"} = get(port, "/ok")
  end

  defp await_refusal(port) do
    case :gen_tcp.connect({127, 0, 0, 1}, port, []) do
      {:error, :econnrefused} -> :ok
      _still_open -> await_refusal(port)
    end
  end
end
