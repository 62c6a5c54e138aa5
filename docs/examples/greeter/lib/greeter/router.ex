defmodule Greeter.Router do
  @moduledoc """
  Which request gets which answer.
  """

  alias Greeter.{Readiness, Visits}

  # Milliseconds.
  @slow 3_000

  @doc "Answers a request with a status and a text."
  def call(method, path, body)

  def call(:GET, "/", _body), do: {200, Greeter.page(Visits.add())}
  def call(:POST, "/", body), do: {200, "received #{byte_size(body)} bytes\n"}

  def call(:GET, "/slow", _body) do
    Process.sleep(@slow)
    {200, "slow\n"}
  end

  def call(:GET, "/health", _body) do
    case Readiness.status() do
      :ready -> {200, "ok\n"}
      {:not_ready, reason} -> {503, "not ready: #{reason}\n"}
    end
  end

  def call(_method, "/", _body), do: {405, "method not allowed\n"}
  def call(_method, _path, _body), do: {404, "not found\n"}
end
