defmodule Sample.Listener do
  @moduledoc "Answers every request on PORT with the result of a function."
  use Task, restart: :permanent

  def start_link(answer), do: Task.start_link(__MODULE__, :listen, [answer])

  def listen(answer) do
    port = String.to_integer(System.get_env("PORT", "4000"))
    options = [:binary, active: false, reuseaddr: true, ip: {127, 0, 0, 1}]
    {:ok, socket} = :gen_tcp.listen(port, options)
    accept(socket, answer)
  end

  defp accept(socket, answer) do
    {:ok, client} = :gen_tcp.accept(socket)
    _ = :gen_tcp.recv(client, 0, 1000)
    body = answer.()
    head = "HTTP/1.1 200 OK\r\ncontent-length: #{byte_size(body)}\r\n\r\n"
    _ = :gen_tcp.send(client, [head, body])
    _ = :gen_tcp.close(client)
    accept(socket, answer)
  end
end
