defmodule Shop.Endpoint do
  @moduledoc "Answers HTTP on PORT."
  use GenServer
  require Logger

  def child_spec(fault) do
    %{id: {__MODULE__, fault}, start: {GenServer, :start_link, [__MODULE__, fault]}}
  end

  def init("silent"), do: {:ok, nil}

  def init(fault) do
    port = Application.fetch_env!(:shop, :port)
    port = if fault == "other", do: String.to_integer(System.get_env("OTHER_PORT", "1")), else: port
    address = if fault == "wrong_host", do: {127, 0, 0, 2}, else: {127, 0, 0, 1}
    port = if fault == "wrong_port", do: port + 1, else: port

    case :gen_tcp.listen(port, [:binary, ip: address, active: false, packet: :http_bin, reuseaddr: true]) do
      {:ok, listener} ->
        spawn_link(fn -> accept(listener, fault) end)
        {:ok, listener}

      {:error, reason} ->
        {:stop, reason}
    end
  end

  defp accept(listener, fault) do
    {:ok, socket} = :gen_tcp.accept(listener)
    spawn(fn -> serve(socket, fault) end)
    accept(listener, fault)
  end

  defp serve(socket, fault) do
    {:ok, {:http_request, _method, {:abs_path, path}, _version}} = :gen_tcp.recv(socket, 0)
    {status, headers, body} = answer(fault, path)

    :gen_tcp.send(socket, [
      "HTTP/1.1 #{status}\r\n", headers, "connection: close\r\ncontent-length: #{byte_size(body)}\r\n\r\n", body
    ])

    :gen_tcp.close(socket)
  end

  defp answer("http_500", _) do
    Logger.error("""
    #{inspect(self())} running Shop.Endpoint terminated
    Server: localhost (http)
    Request: GET /health
    ** (exit) an exception was raised:
        ** (RuntimeError) the till is empty
            (shop 0.1.0) lib/shop/endpoint.ex:12: Shop.Endpoint.call/2
    """)

    {"500 Internal Server Error", "", "Internal Server Error"}
  end

  defp answer(fault, _) when fault in ["db_away", "db_pass", "db_name", "rd_away"], do: {"500 Internal Server Error", "", "no"}
  defp answer("http_404", _), do: {"404 Not Found", "", "Not Found"}
  defp answer("http_503", _), do: {"503 Service Unavailable", "", "warming up the ovens"}
  defp answer("moved", path), do: {"301 Moved Permanently", "location: https://shop.example#{path}\r\n", ""}
  defp answer("http_slow", _), do: Process.sleep(60_000) && {"200 OK", "", "late"}
  defp answer(_, _), do: {"200 OK", "", "ok"}
end
