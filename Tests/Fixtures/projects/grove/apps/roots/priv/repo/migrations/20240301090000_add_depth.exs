defmodule Roots.Repo.Migrations.AddDepth do
  def change, do: :ok
end
