defmodule Greeter.Endpoint.Connection do
  @moduledoc """
  One connection: reads a request, answers it, closes.
  """

  require Logger

  # How long a client may take to send its request.
  @timeout 5_000
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

    :gen_tcp.close(socket)
  end

  defp read(socket) do
    deadline = System.monotonic_time(:millisecond) + @timeout

    with {:ok, {:http_request, method, uri, _version}} <- receive_line(socket, deadline),
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
    case receive_line(socket, deadline) do
      {:ok, {:http_header, _, _, _, _}} -> skip_headers(socket, deadline, left - 1)
      {:ok, :http_eoh} -> :ok
      other -> other
    end
  end

  defp receive_line(socket, deadline) do
    left = deadline - System.monotonic_time(:millisecond)
    :gen_tcp.recv(socket, 0, max(left, 0))
  end

  defp path({:abs_path, path}), do: {:ok, path |> String.split("?", parts: 2) |> hd()}
  defp path({:absoluteURI, _scheme, _host, _port, path}), do: path({:abs_path, path})
  defp path(_other), do: {:error, :bad_request}

  defp answer(socket, method, path, handler) do
    started = System.monotonic_time(:millisecond)
    {status, body} = handle(handler, method, path)
    reply(socket, status, body)
    took = System.monotonic_time(:millisecond) - started
    Logger.info("#{method} #{printable(path)} #{status} #{took} ms")
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

  # What a client sends must not be able to write lines or colours into the log.
  defp printable(path), do: URI.encode(path, &(&1 in ?!..?~))
end
