defmodule Cellar do
  def answer, do: "cellar one, #{Stone.name()}, #{Moss.name()}"
end
