defmodule Sample.Application do
  use Application

  def start(_type, _arguments) do
    children = [{Sample.Listener, &Sample.answer/0}]
    Supervisor.start_link(children, strategy: :one_for_one)
  end
end
