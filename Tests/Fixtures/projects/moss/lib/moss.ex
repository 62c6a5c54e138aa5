defmodule Moss do
  def name, do: "moss one"
end
