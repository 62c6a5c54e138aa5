defmodule Greeter.Visits do
  @moduledoc """
  Counts the visits since boot.
  """
  use Agent

  def start_link(options) do
    Agent.start_link(fn -> 0 end, Keyword.put_new(options, :name, __MODULE__))
  end

  @doc "Counts one visit and returns how many there were with it."
  def add(visits \\ __MODULE__) do
    Agent.get_and_update(visits, fn count -> {count + 1, count + 1} end)
  end

  @doc "How many visits there were."
  def count(visits \\ __MODULE__), do: Agent.get(visits, & &1)
end
