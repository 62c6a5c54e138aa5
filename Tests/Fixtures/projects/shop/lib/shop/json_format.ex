defmodule Shop.JSONFormat do
  @moduledoc "Writes each message as one line of JSON, as log collectors want it."

  def format(level, message, {date, time}, _metadata) do
    moment = [Logger.Formatter.format_date(date), ?T, Logger.Formatter.format_time(time), ?Z]
    text = message |> IO.iodata_to_binary() |> escape()
    [~s({"time":"), moment, ~s(","severity":"), to_string(level), ~s(","message":"), text, ~s("}\n)]
  end

  defp escape(text) do
    for <<char::utf8 <- text>>, into: "" do
      case char do
        ?" -> ~S(\")
        ?\\ -> ~S(\\)
        ?\n -> ~S(\n)
        _ -> <<char::utf8>>
      end
    end
  end
end
