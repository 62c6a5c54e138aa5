defmodule Shop.Application do
  @moduledoc false
  use Application

  @tax Application.compile_env(:shop, :tax)

  @impl true
  def start(_type, _args) do
    fault = Application.fetch_env!(:shop, :fault)
    true = Ledger.round(@tax * 1.0) > 0
    Shop.Faults.at_start(fault)

    case fault do
      "error" -> {:error, :no_license}
      _ -> Supervisor.start_link(children(fault), strategy: :one_for_one, name: Shop.Supervisor)
    end
  end

  defp children(fault) do
    [Shop.Stock] ++ Shop.Faults.children(fault) ++ [{Shop.Endpoint, fault}]
  end
end
