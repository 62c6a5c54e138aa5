defmodule Greeter.BootTest do
  use ExUnit.Case

  import ExUnit.CaptureIO
  import ExUnit.CaptureLog

  alias Greeter.{Fuse, Release, Visits, Warmup}

  test "visits are counted" do
    visits = start_supervised!({Visits, name: nil})
    assert Visits.add(visits) == 1
    assert Visits.add(visits) == 2
    assert Visits.count(visits) == 2
  end

  test "warming up takes its time, says so, and leaves no process" do
    log =
      capture_log(fn ->
        {took, :ignore} = :timer.tc(Warmup, :start_link, [[delay: 40, failure: nil]])
        assert took >= 40_000
      end)

    assert log =~ "warming up 1/4: phrase book"
    assert log =~ "warming up 4/4: small talk"
  end

  test "a failing warm-up fails the start" do
    Process.flag(:trap_exit, true)

    capture_log(fn ->
      assert {:error, {%RuntimeError{message: "no phrases"}, _}} =
               Warmup.start_link(delay: 0, failure: "no phrases")
    end)
  end

  test "a burnt fuse makes its supervisor give up" do
    Process.flag(:trap_exit, true)

    capture_log(fn ->
      fuse = {Fuse, System.monotonic_time(:millisecond)}
      {:ok, supervisor} = Supervisor.start_link([fuse], strategy: :one_for_one)
      assert_receive {:EXIT, ^supervisor, :shutdown}, 1_000
    end)
  end

  test "migrations say what they do" do
    assert capture_io(&Release.migrate/0) =~ "applying 20240101 create_greetings … done\n"
  end

  test "a migration can be made to fail" do
    Application.put_env(:greeter, :fail_migration, true)
    on_exit(fn -> Application.put_env(:greeter, :fail_migration, false) end)

    capture_io(fn ->
      assert_raise RuntimeError, ~r/create_greetings failed/, &Release.migrate/0
    end)
  end
end
