defmodule Anvil do
  @on_load :load

  def load, do: :erlang.load_nif(Application.app_dir(:anvil, "priv/anvil"), 0)

  def strike, do: :erlang.nif_error(:not_loaded)

  def answer, do: "anvil one, struck #{strike()} times"
end
