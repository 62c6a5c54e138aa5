defmodule Mix.Tasks.Lantern.Digest do
  @shortdoc "Gives the assets names with digests, as phx.digest does"
  use Mix.Task

  def run(_arguments) do
    for path <- Path.wildcard("priv/static/*.js") do
      digest = path |> File.read!() |> :erlang.md5() |> Base.encode16(case: :lower)
      File.cp!(path, String.replace_suffix(path, ".js", "-#{digest}.js"))
      Mix.shell().info("Digested #{path}")
    end
  end
end
