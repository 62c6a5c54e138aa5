defmodule Canopy do
  def answer, do: "canopy over #{Roots.depth()}"
end
