defmodule Ledger do
  @moduledoc "Rounds amounts, so that another application needs this one."
  def round(amount), do: trunc(amount)
end
