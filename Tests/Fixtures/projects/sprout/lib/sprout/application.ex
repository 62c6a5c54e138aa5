defmodule Sprout.Application do
  use Application

  def start(_type, _arguments) do
    children = [{Sprout.Listener, &Sprout.answer/0}]
    Supervisor.start_link(children, strategy: :one_for_one)
  end
end
