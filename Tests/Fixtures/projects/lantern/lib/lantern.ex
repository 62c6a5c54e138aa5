defmodule Lantern do
  def answer do
    static = Application.app_dir(:lantern, "priv/static")
    [name] = Path.wildcard(static <> "/app-*.js")
    "lantern one, #{Path.basename(name)}: #{String.trim(File.read!(name))}"
  end
end
