defmodule Roots do
  @depth Application.compile_env!(:roots, :depth)

  def depth, do: "roots one, #{@depth} deep"
end
