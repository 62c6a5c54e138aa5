defmodule Greeter do
  @moduledoc """
  Greets over HTTP.
  """

  @version Mix.Project.config()[:version]

  @doc "The version this code was built as."
  def version, do: @version

  @doc "The text of the greeting page: the greeting, and who is greeting."
  def page(visits) do
    """
    #{Application.fetch_env!(:greeter, :greeting)} from Greeter #{version()}
    node: #{node()}
    instance: #{System.get_env("DYNO", "unknown")}
    pid: #{System.pid()}
    visits: #{visits}
    """
  end
end
