defmodule Shop.Release do
  @moduledoc "What the release phase runs."
  require Logger

  def migrate do
    Logger.info("== Running 20260101120000 Shop.Repo.Migrations.CreateUsers.change/0 forward")

    if System.get_env("FAULT") == "migrate" do
      raise Postgrex.Error, message: "ERROR 42P07 (duplicate_table) relation \"users\" already exists"
    end
  end
end
