defmodule Cellar.Application do
  use Application

  def start(_type, _arguments) do
    children = [{Cellar.Listener, &Cellar.answer/0}]
    Supervisor.start_link(children, strategy: :one_for_one)
  end
end
