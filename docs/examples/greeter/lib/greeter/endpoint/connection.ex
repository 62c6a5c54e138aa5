defmodule Greeter.Endpoint.Connection do
  @moduledoc """
  One connection: reads a request, answers it, closes.
  """

  require Logger

  # How long a client may take to send its request.
  @timeout 5_000
  # How long it may take to close after the answer.
  @linger 500
  @max_headers 100

  @reasons %{
    200 => "OK",
    400 => "Bad Request",
    404 => "Not Found",
    500 => "Internal Server Error",
    503 => "Service Unavailable"
  }

  @doc "Serves the one request of `socket` with `handler`."
  def serve(socket, handler) do
    case read(socket) do
      {:ok, method, path} ->
        # From here on an answer is owed: a stop waits for it.
        Process.flag(:trap_exit, true)
        answer(socket, method, path, handler)

      {:error, :bad_request} ->
        reply(socket, 400, "bad request\n")

      {:error, _gone} ->
        :ok
    end

    close(socket)
  end

  defp read(socket) do
    deadline = now() + @timeout

    with {:ok, {:http_request, method, uri, _version}} <- recv(socket, deadline),
         :ok <- skip_headers(socket, deadline, @max_headers),
         {:ok, path} <- path(uri) do
      {:ok, method, path}
    else
      {:error, reason} when reason in [:closed, :timeout] -> {:error, reason}
      _garbage -> {:error, :bad_request}
    end
  end

  defp skip_headers(_socket, _deadline, 0), do: {:error, :too_many_headers}

  defp skip_headers(socket, deadline, left) do
    case recv(socket, deadline) do
      {:ok, {:http_header, _, _, _, _}} -> skip_headers(socket, deadline, left - 1)
      {:ok, :http_eoh} -> :ok
      other -> other
    end
  end

  defp recv(socket, deadline) do
    :gen_tcp.recv(socket, 0, max(deadline - now(), 0))
  end

  defp path({:abs_path, path}), do: {:ok, path |> String.split("?", parts: 2) |> hd()}
  defp path({:absoluteURI, _scheme, _host, _port, path}), do: path({:abs_path, path})
  defp path(_other), do: {:error, :bad_request}

  defp answer(socket, method, path, handler) do
    started = now()
    {status, body} = handle(handler, method, path)
    reply(socket, status, body)
    Logger.info("#{method} #{printable(path)} #{status} #{now() - started} ms")
  end

  defp handle(handler, method, path) do
    handler.(method, path)
  catch
    kind, reason ->
      Logger.error(Exception.format(kind, reason, __STACKTRACE__))
      {500, "internal server error\n"}
  end

  defp reply(socket, status, body) do
    :gen_tcp.send(socket, [
      "HTTP/1.1 #{status} #{@reasons[status]}\r\n",
      "content-type: text/plain; charset=utf-8\r\n",
      "content-length: #{byte_size(body)}\r\n",
      "connection: close\r\n\r\n",
      body
    ])
  end

  # To close with bytes unread resets the connection, and the answer may be lost with it.
  defp close(socket) do
    :gen_tcp.shutdown(socket, :write)
    :inet.setopts(socket, packet: :raw)
    discard(socket, now() + @linger)
    :gen_tcp.close(socket)
  end

  defp discard(socket, deadline) do
    case recv(socket, deadline) do
      {:ok, _bytes} -> discard(socket, deadline)
      {:error, _reason} -> :ok
    end
  end

  defp now, do: System.monotonic_time(:millisecond)

  # What a client sends must not be able to write lines or colours into the log.
  defp printable(path), do: URI.encode(path, &(&1 in ?!..?~))
end
