defmodule Burrow do
  def answer do
    motto = File.read!(Path.join(System.fetch_env!("RELEASE_ROOT"), "share/motto.txt"))
    "burrow one, #{Shared.word()}, #{String.trim(motto)}, #{served()}"
  end

  defp served, do: if(Application.get_env(:burrow, :server), do: "as a server", else: "by hand")
end
