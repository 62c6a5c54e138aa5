defmodule Greeter.EndpointTest do
  use ExUnit.Case

  import Greeter.HTTP

  alias Greeter.Endpoint.Listener
  alias Greeter.Readiness

  # The application listens on a free port in tests.
  setup do
    {:ok, port: Listener.port()}
  end

  test "greets, and says who greets", %{port: port} do
    assert {200, body} = get(port, "/")
    assert body =~ "Hello from Greeter"
    assert body =~ "node: #{node()}"
    assert body =~ "pid: #{System.pid()}"
  end

  test "knows no other page", %{port: port} do
    assert {404, _} = get(port, "/nowhere")
    assert {404, _} = request(port, "POST / HTTP/1.1\r\n\r\n")
  end

  test "is healthy unless it refuses traffic", %{port: port} do
    assert {200, "ok\n"} = get(port, "/health")

    Readiness.refuse("maintenance")
    on_exit(&Readiness.accept/0)
    assert {503, "not ready: maintenance\n"} = get(port, "/health?verbose")
  end

  test "answers garbage with 400 and lives on", %{port: port} do
    garbage = [
      "\r\n\r\nnonsense\r\n\r\n",
      <<0, 255, 1, 254, "\r\n\r\n">>,
      "GET * HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n" <> String.duplicate("a: b\r\n", 200) <> "\r\n"
    ]

    for bytes <- garbage, do: assert({400, _} = request(port, bytes))
    assert :closed = get(port, "/" <> String.duplicate("a", 10_000))
    assert {200, _} = get(port, "/")
  end

  test "serves others while one client says nothing", %{port: port} do
    {:ok, silent} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false])

    answers = Task.await_many(for _ <- 1..50, do: Task.async(fn -> get(port, "/health") end))
    assert Enum.all?(answers, &match?({200, _}, &1))

    :gen_tcp.close(silent)
  end
end
