defmodule Greeter.HTTP do
  @moduledoc false

  @doc "Gets a path from the server on a local port: `{status, body}`."
  def get(port, path),
    do: request(port, "GET #{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")

  @doc "Sends bytes as they are and reads the answer: `{status, body}`, or `:closed` without one."
  def request(port, bytes) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false])
    :ok = :gen_tcp.send(socket, bytes)
    answer = receive_all(socket, "")
    :gen_tcp.close(socket)
    parse(answer)
  end

  defp parse(""), do: :closed

  defp parse("HTTP/1.1 " <> <<status::binary-size(3)>> <> rest) do
    [_headers, body] = String.split(rest, "\r\n\r\n", parts: 2)
    {String.to_integer(status), body}
  end

  @doc "Everything that is received until the connection ends."
  def receive_all(socket, received) do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, bytes} -> receive_all(socket, received <> bytes)
      {:error, reason} when reason in [:closed, :econnreset] -> received
    end
  end
end
