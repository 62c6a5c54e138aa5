defmodule Greeter.Router do
  @moduledoc """
  Which request gets which answer.
  """

  alias Greeter.{Readiness, Visits}

  @doc "Answers a request with a status and a text."
  def call(:GET, "/"), do: {200, Greeter.page(Visits.add())}

  def call(:GET, "/health") do
    case Readiness.status() do
      :ready -> {200, "ok\n"}
      {:not_ready, reason} -> {503, "not ready: #{reason}\n"}
    end
  end

  def call(_method, _path), do: {404, "not found\n"}
end
