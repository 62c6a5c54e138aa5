defmodule Ledger.Application do
  @moduledoc false
  use Application

  def start(_type, _args) do
    if System.get_env("FAULT") == "depend", do: raise("the ledger is sealed")
    Supervisor.start_link([], strategy: :one_for_one)
  end
end
