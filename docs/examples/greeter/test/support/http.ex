defmodule Greeter.HTTP do
  @moduledoc false

  @doc "Gets a path from the server on a local port: `{status, body}`."
  def get(port, path), do: request(port, "GET #{path} HTTP/1.1\r\nhost: localhost\r\n\r\n")

  @doc "Sends bytes as they are, and reads the answer to its end."
  def request(port, bytes) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false])
    :ok = :gen_tcp.send(socket, bytes)
    answer = receive_all(socket, "")
    :gen_tcp.close(socket)

    [head, body] = String.split(answer, "\r\n\r\n", parts: 2)
    "HTTP/1.1 " <> <<status::binary-size(3)>> <> _ = head
    {String.to_integer(status), body}
  end

  defp receive_all(socket, received) do
    case :gen_tcp.recv(socket, 0, 5_000) do
      {:ok, bytes} -> receive_all(socket, received <> bytes)
      {:error, :closed} -> received
    end
  end
end
