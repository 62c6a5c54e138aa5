defmodule Sprout do
  def answer, do: "sprout one, #{Application.fetch_env!(:sprout, :soil)}"
end
