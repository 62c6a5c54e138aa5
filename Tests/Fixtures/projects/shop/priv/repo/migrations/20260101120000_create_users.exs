defmodule Shop.Repo.Migrations.CreateUsers do
  use Ecto.Migration

  def change, do: create(table(:users))
end
