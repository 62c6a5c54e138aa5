defmodule Kiosk do
  @built File.read!("priv/built.txt")

  def answer do
    page = File.read!(Application.app_dir(:kiosk, "priv/static/page.txt"))
    "kiosk one, #{String.trim(@built)}, #{String.trim(page)}"
  end
end
