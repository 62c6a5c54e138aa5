defmodule Greeter.Endpoint.WebSocket do
  @moduledoc """
  A websocket that sends back what it is sent (RFC 6455). At a stop it says that the server goes away.
  """

  import Bitwise

  @magic "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  # Bytes of one frame.
  @longest 65_536
  @going_away <<1001::16>>

  @doc "Answers the request that has this key, and serves the connection until one side ends it."
  def serve(socket, key) do
    accept = Base.encode64(:crypto.hash(:sha, key <> @magic))

    :gen_tcp.send(socket, [
      "HTTP/1.1 101 Switching Protocols\r\n",
      "upgrade: websocket\r\nconnection: upgrade\r\n",
      "sec-websocket-accept: #{accept}\r\n\r\n"
    ])

    Process.flag(:trap_exit, true)
    :inet.setopts(socket, packet: :raw, active: :once)
    loop(socket, "")
    :gen_tcp.close(socket)
  end

  defp loop(socket, received) do
    receive do
      {:tcp, ^socket, bytes} ->
        case answer(socket, received <> bytes) do
          {:more, rest} ->
            :inet.setopts(socket, active: :once)
            loop(socket, rest)

          :closed ->
            :ok
        end

      {:tcp_closed, ^socket} ->
        :ok

      {:tcp_error, ^socket, _reason} ->
        :ok

      {:EXIT, _supervisor, _reason} ->
        send_frame(socket, 8, @going_away)
    end
  end

  defp answer(socket, bytes) do
    case frame(bytes) do
      {code, data, rest} when code in [1, 2] ->
        send_frame(socket, code, data)
        answer(socket, rest)

      {9, data, rest} ->
        send_frame(socket, 10, data)
        answer(socket, rest)

      {8, data, _rest} ->
        send_frame(socket, 8, data)
        :closed

      {_other, _data, rest} ->
        answer(socket, rest)

      :more ->
        {:more, bytes}

      :too_long ->
        send_frame(socket, 8, <<1009::16>>)
        :closed
    end
  end

  defp frame(<<_flags::4, code::4, 1::1, 127::7, _::binary>>) when code < 16, do: :too_long

  defp frame(<<_flags::4, code::4, 1::1, 126::7, size::16, rest::binary>>),
    do: frame(code, size, rest)

  defp frame(<<_flags::4, code::4, 1::1, size::7, rest::binary>>) when size < 126,
    do: frame(code, size, rest)

  # A client must mask what it sends.
  defp frame(<<_flags::8, 0::1, _::7, _::binary>>), do: :too_long
  defp frame(_bytes), do: :more

  defp frame(_code, size, _rest) when size > @longest, do: :too_long

  defp frame(code, size, rest) do
    case rest do
      <<mask::binary-size(4), data::binary-size(size), rest::binary>> ->
        {code, unmask(data, mask), rest}

      _part ->
        :more
    end
  end

  defp unmask(data, mask) do
    for {byte, index} <- Enum.with_index(:binary.bin_to_list(data)), into: "" do
      <<bxor(byte, :binary.at(mask, rem(index, 4)))>>
    end
  end

  defp send_frame(socket, code, data) when byte_size(data) < 126,
    do: :gen_tcp.send(socket, [<<8::4, code::4, byte_size(data)::8>>, data])

  defp send_frame(socket, code, data),
    do: :gen_tcp.send(socket, [<<8::4, code::4, 126::8, byte_size(data)::16>>, data])
end
