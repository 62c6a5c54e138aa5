defmodule Stone do
  def name, do: "stone one"
end
