defmodule Orchard do
  def answer, do: "orchard one, #{System.get_env("RELEASE_NAME")}"
end
