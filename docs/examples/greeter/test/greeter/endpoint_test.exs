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
    assert {405, _} = request(port, "PUT / HTTP/1.1\r\nconnection: close\r\n\r\n")
  end

  test "answers several requests on one connection, with bodies", %{port: port} do
    post = "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabcde"
    last = "GET /health HTTP/1.1\r\nconnection: close\r\n\r\n"
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false])
    :ok = :gen_tcp.send(socket, post <> post <> last)
    answers = receive_all(socket, "")
    assert length(String.split(answers, "received 5 bytes\n")) == 3
    assert answers =~ "ok\n"
  end

  test "a request needs a length that it keeps to", %{port: port} do
    assert {411, _} = request(port, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")
    assert {413, _} = request(port, "POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n")
    assert {400, _} = request(port, "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n")
  end

  test "a websocket sends back what it is sent", %{port: port} do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false])

    :ok =
      :gen_tcp.send(socket, [
        "GET /socket HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
      ])

    {:ok, head} = :gen_tcp.recv(socket, 0, 5_000)
    assert head =~ "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    # "Hello", masked: the example of RFC 6455, 5.7.
    hello = <<0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58>>
    :ok = :gen_tcp.send(socket, binary_part(hello, 0, 3))
    :ok = :gen_tcp.send(socket, binary_part(hello, 3, 8))
    assert {:ok, <<0x81, 5, "Hello">>} = :gen_tcp.recv(socket, 7, 5_000)
    :gen_tcp.close(socket)
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
