defmodule Greeter.Endpoint.Connection do
  @moduledoc """
  One connection: reads requests and answers them, one after the other.
  """

  alias Greeter.Endpoint.WebSocket

  require Logger

  # How long a client may take to send a request, and may keep the connection without one.
  @timeout 5_000
  @idle 60_000
  # How long it may take to close after the last answer.
  @linger 500
  @max_headers 100
  @max_body 1_000_000

  @reasons %{
    200 => "OK",
    400 => "Bad Request",
    404 => "Not Found",
    405 => "Method Not Allowed",
    411 => "Length Required",
    413 => "Content Too Large",
    500 => "Internal Server Error",
    503 => "Service Unavailable"
  }

  @doc "Serves the requests of `socket` with `handler`."
  def serve(socket, handler) do
    case read(socket) do
      {:ok, %{upgrade: key} = request} when is_binary(key) ->
        if request.path == "/socket" do
          WebSocket.serve(socket, key)
        else
          reply(socket, 404, "not found\n", "close")
          close(socket)
        end

      {:ok, request} ->
        # From here on an answer is owed: a stop waits for it.
        Process.flag(:trap_exit, true)
        keeps = request.keeps and not stopping?()
        answer(socket, request, handler, keeps)
        Process.flag(:trap_exit, false)
        if keeps and not stopping?(), do: serve(socket, handler), else: close(socket)

      {:error, status} when is_integer(status) ->
        reply(socket, status, String.downcase(@reasons[status]) <> "\n", "close")
        close(socket)

      {:error, _gone} ->
        close(socket)
    end
  end

  # The supervisor asked for an end while the request was being answered.
  defp stopping? do
    receive do
      {:EXIT, _supervisor, _reason} -> true
    after
      0 -> false
    end
  end

  defp read(socket) do
    :inet.setopts(socket, packet: :http_bin)

    with {:ok, {:http_request, method, uri, version}} <- recv(socket, now() + @idle),
         deadline = now() + @timeout,
         {:ok, headers} <- headers(socket, deadline, %{}, @max_headers),
         {:ok, path} <- path(uri),
         {:ok, size} <- size(headers),
         {:ok, body} <- body(socket, size, deadline) do
      keeps = version == {1, 1} and not lists?(headers, "connection", "close")
      upgrade = if lists?(headers, "upgrade", "websocket"), do: headers["sec-websocket-key"]
      {:ok, %{method: method, path: path, body: body, keeps: keeps, upgrade: upgrade}}
    else
      {:error, reason} when reason in [:closed, :timeout] -> {:error, reason}
      {:error, status} when is_integer(status) -> {:error, status}
      _garbage -> {:error, 400}
    end
  end

  defp headers(_socket, _deadline, _headers, 0), do: {:error, :too_many_headers}

  defp headers(socket, deadline, headers, left) do
    case recv(socket, deadline) do
      {:ok, {:http_header, _, name, _, value}} ->
        name = name |> to_string() |> String.downcase()
        headers(socket, deadline, Map.put(headers, name, value), left - 1)

      {:ok, :http_eoh} ->
        {:ok, headers}

      other ->
        other
    end
  end

  defp lists?(headers, name, word) do
    headers |> Map.get(name, "") |> String.downcase() |> String.contains?(word)
  end

  defp size(%{"transfer-encoding" => _}), do: {:error, 411}

  defp size(%{"content-length" => text}) do
    case Integer.parse(text) do
      {size, ""} when size in 0..@max_body -> {:ok, size}
      {size, ""} when size > @max_body -> {:error, 413}
      _other -> {:error, 400}
    end
  end

  defp size(_headers), do: {:ok, 0}

  defp body(_socket, 0, _deadline), do: {:ok, ""}

  defp body(socket, size, deadline) do
    :inet.setopts(socket, packet: :raw)
    :gen_tcp.recv(socket, size, max(deadline - now(), 0))
  end

  defp recv(socket, deadline) do
    :gen_tcp.recv(socket, 0, max(deadline - now(), 0))
  end

  defp path({:abs_path, path}), do: {:ok, path |> String.split("?", parts: 2) |> hd()}
  defp path({:absoluteURI, _scheme, _host, _port, path}), do: path({:abs_path, path})
  defp path(_other), do: {:error, :bad_request}

  defp answer(socket, request, handler, keeps) do
    started = now()
    {status, body} = handle(handler, request)
    reply(socket, status, body, if(keeps, do: "keep-alive", else: "close"))
    log(request, status, now() - started)
  end

  # Health checks come again and again, and would hide everything else.
  defp log(%{path: "/health"}, 200, _took), do: :ok

  defp log(request, status, took) do
    Logger.info("#{request.method} #{printable(request.path)} #{status} #{took} ms")
  end

  defp handle(handler, request) do
    handler.(request.method, request.path, request.body)
  catch
    kind, reason ->
      Logger.error(Exception.format(kind, reason, __STACKTRACE__))
      {500, "internal server error\n"}
  end

  defp reply(socket, status, body, connection) do
    :gen_tcp.send(socket, [
      "HTTP/1.1 #{status} #{@reasons[status]}\r\n",
      "content-type: text/plain; charset=utf-8\r\n",
      "content-length: #{byte_size(body)}\r\n",
      "connection: #{connection}\r\n\r\n",
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
