defmodule Greeter.Release do
  @moduledoc """
  Tasks that run in a release without starting the application:

      bin/greeter eval Greeter.Release.migrate
  """

  @migrations [{20_240_101, "create_greetings"}, {20_240_215, "add_language_to_greetings"}]

  @doc "Applies the migrations. A pretence: there is no database."
  def migrate do
    :ok = Application.ensure_loaded(:greeter)

    for {version, name} <- @migrations do
      IO.write("applying #{version} #{name} … ")
      if Application.fetch_env!(:greeter, :fail_migration), do: raise("#{name} failed")
      IO.puts("done")
    end

    :ok
  end
end
