defmodule Burrow.Repo.Migrations.CreateTunnels do
  def change, do: :ok
end
