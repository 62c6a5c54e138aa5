defmodule Shared do
  def word, do: "shared one"
end
