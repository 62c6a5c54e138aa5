defmodule Burrow.Release do
  @app :burrow

  def migrate do
    for file <- Path.wildcard(Application.app_dir(@app, "priv/repo/migrations/*.exs")) do
      IO.puts("migrated #{Path.basename(file)}")
    end
  end
end
