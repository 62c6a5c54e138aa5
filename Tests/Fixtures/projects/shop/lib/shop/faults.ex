defmodule Shop.Faults do
  @moduledoc "What can go wrong in an application, by the value of FAULT."
  require Logger

  def at_start("lib"), do: System.fetch_env!("SHOP_TOKEN")
  def at_start("raise2"), do: raise(ArgumentError, "no shelf is free")
  def at_start("hang2"), do: GenServer.call(spawn(fn -> Process.sleep(:infinity) end), :open, :infinity)
  def at_start("sleep2"), do: Process.sleep(:infinity)
  def at_start("slow"), do: Process.sleep(4000)
  def at_start("exit0"), do: System.halt(0)
  def at_start("exit7"), do: System.halt(7)
  def at_start("undef"), do: apply(Shop.Absent, :run, [])
  def at_start("nomatch"), do: {:ok, _} = {:error, :enoent}
  def at_start("file"), do: File.read!("/etc/shop/tariff.json")
  def at_start("full"), do: File.write!("/dev/full", "x")
  def at_start("kill9"), do: :os.cmd(~c"kill -9 #{:os.getpid()}; sleep 5")
  def at_start("flood"), do: for(number <- 1..120_000, do: IO.puts("#{number} #{String.duplicate("x", 80)}"))
  def at_start(_), do: :ok

  def children("connect"), do: [child(Shop.Repo)]
  def children("match"), do: [child(Shop.Gateway)]
  def children("flood"), do: [child(Shop.Repo)]
  def children("task"), do: [%{id: Shop.Errand, start: {Task, :start_link, [Shop.Errand, :run, []]}}]
  def children("raise"), do: [child(Shop.Cache)]
  def children("stop"), do: [child(Shop.Mailer)]

  def children("secret") do
    key = System.get_env("SIGNKEY")
    [%{id: {Shop.Door, key}, start: {Shop.Door, :start_link, [key]}}]
  end

  def children("killed"), do: [child(Shop.Victim)]
  def children("hang"), do: [child(Shop.Sleeper)]
  def children("later"), do: [child(Shop.Fuse)]
  def children("nested"), do: [%{id: Shop.Inner, type: :supervisor, start: {Shop.Inner, :start_link, [[]]}}]
  def children("wont_end"), do: [Map.put(child(Shop.Stubborn), :shutdown, :infinity)]
  def children("listen2"), do: [{Shop.Endpoint, "second"}]
  def children("taken"), do: [{Shop.Endpoint, "other"}]
  def children("pg" <> _ = what), do: [{Shop.StandIn, what}]
  def children("redix" <> _ = what), do: [{Shop.StandIn, what}]
  def children("db_away"), do: [{Shop.StandIn, "pg"}]
  def children("db_pass"), do: [{Shop.StandIn, "pg_pass"}]
  def children("db_name"), do: [{Shop.StandIn, "pg_name"}]
  def children("rd_away"), do: [{Shop.StandIn, "redix"}]
  def children("bandit"), do: [{Shop.StandIn, "bandit"}]
  def children("ranch"), do: [{Shop.StandIn, "ranch"}]
  def children("oban" <> _ = what), do: [{Shop.StandIn, what}]
  def children("ecto" = what), do: [{Shop.StandIn, what}]
  def children("finch"), do: [{Shop.StandIn, "finch"}]
  def children("digest"), do: [{Shop.StandIn, "digest"}]
  def children(_), do: []

  defp child(module), do: %{id: module, start: {GenServer, :start_link, [module, [], [name: module]]}}
end

defmodule Shop.Repo do
  @moduledoc false
  use GenServer

  def init(_) do
    address = ~c"127.0.0.1"
    port = String.to_integer(Application.fetch_env!(:shop, :database))

    case :gen_tcp.connect(address, port, []) do
      {:ok, socket} -> {:ok, socket}
      {:error, reason} -> {:stop, {:connect_error, reason, address, port}}
    end
  end
end

defmodule Shop.Gateway do
  @moduledoc false
  use GenServer

  def init(_) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, 1, [:binary])
    {:ok, socket}
  end
end

defmodule Shop.Door do
  @moduledoc false
  use GenServer

  def start_link(key), do: GenServer.start_link(__MODULE__, key)
  def init(key), do: {:stop, {:bad_key, key}}
end

defmodule Shop.Cache do
  @moduledoc false
  use GenServer

  def init(_), do: raise("no phrases")
end

defmodule Shop.Mailer do
  @moduledoc false
  use GenServer

  def init(_), do: {:stop, :no_sender_address}
end

defmodule Shop.Victim do
  @moduledoc false
  use GenServer

  def init(_), do: Process.exit(self(), :kill)
end

defmodule Shop.Sleeper do
  @moduledoc false
  use GenServer

  def init(_), do: Process.sleep(:infinity)
end

defmodule Shop.Stubborn do
  @moduledoc false
  use GenServer

  def init(_) do
    Process.flag(:trap_exit, true)
    {:ok, nil}
  end

  def terminate(_, _), do: Process.sleep(:infinity)
end

defmodule Shop.Fuse do
  @moduledoc false
  use GenServer

  def init(_) do
    Process.send_after(self(), :blow, 700)
    {:ok, nil}
  end

  def handle_info(:blow, _), do: raise("the fuse has blown")
end

defmodule Shop.Errand do
  @moduledoc false
  def run do
    Process.sleep(700)
    raise "the errand failed"
  end
end

defmodule Shop.Inner do
  @moduledoc false
  use Supervisor

  def start_link(_), do: Supervisor.start_link(__MODULE__, [], name: __MODULE__)

  def init(_) do
    Supervisor.init([%{id: Shop.Cache, start: {GenServer, :start_link, [Shop.Cache, []]}}],
      strategy: :one_for_one
    )
  end
end
