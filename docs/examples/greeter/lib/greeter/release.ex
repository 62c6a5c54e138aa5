defmodule Greeter.Release do
  @moduledoc """
  Tasks that run in a release without starting the application:

      bin/greeter eval Greeter.Release.migrate
  """

  @migrations [{20_240_101, "create_greetings"}, {20_240_215, "add_language_to_greetings"}]

  @doc "Applies the migrations. A pretence: there is no database."
  def migrate do
    :ok = Application.ensure_loaded(:greeter)

    Enum.each(@migrations, fn {version, name} ->
      IO.write("applying #{version} #{name} … ")
      apply!(name, Application.fetch_env!(:greeter, :fail_migration))
      IO.puts("done")
    end)
  end

  defp apply!(_name, false), do: :ok

  defp apply!(name, true) do
    IO.puts("failed")
    raise "#{name} failed, as GREETER_FAIL_MIGRATION asks"
  end
end
