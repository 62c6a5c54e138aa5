defmodule Shop.Native do
  @moduledoc false
  @on_load :load

  def load do
    case System.get_env("FAULT", "") do
      "nif_" <> which -> :erlang.load_nif(:filename.join(:code.priv_dir(:shop), ~c"shop_" ++ to_charlist(which)), 0)
      _ -> :ok
    end
  end

  def add(_, _), do: :erlang.nif_error(:not_loaded)
end
