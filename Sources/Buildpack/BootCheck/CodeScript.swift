/// An Erlang script that the release's own virtual machine runs when the release cannot be booted: it reads the
/// configuration and loads every module of every application. `on_load` functions run; no application is started.
///
/// Plain arguments: the file for the report, the release's folder, its configuration or an empty text, the folder of
/// consolidated protocols, and `NAME-VERSION` of each application. The report has one line for each fault, its fields
/// separated by tabs: `config LINE TEXT` or `module NAME REASON TEXT`.
enum CodeScript {
  static let text = #"""
    [Out, Folder, Config, Protocols | Names] = init:get_plain_arguments(),
    Self = self(),
    Say = fun(Format, Arguments) -> Self ! {said, io_lib:format(Format, Arguments)}, stop end,
    ok = logger:add_primary_filter(reltui, {fun
      (#{msg := {report, #{format := Format, args := Arguments}}}, _) -> Say(Format, Arguments);
      (#{msg := {string, Text}}, _) -> Say("~ts", [Text]);
      (#{msg := {report, _}}, _) -> stop;
      (#{msg := {Format, Arguments}}, _) -> Say(Format, Arguments);
      (_, _) -> stop
    end, []}),

    %% The code server logs the reason from another process.
    Said = fun() -> receive {said, Text} -> Text after 2000 -> "" end end,
    Flush = fun F() -> receive {said, _} -> F() after 0 -> ok end end,
    Line = fun(Words) ->
      [lists:join("\t", [re:replace(Word, "\\s+", " ", [global, unicode]) || Word <- Words]), "\n"]
    end,

    IsEntry = fun
      ({Name, List}) when is_atom(Name) -> is_list(List);
      (File) -> io_lib:printable_unicode_list(File)
    end,
    Read = fun
      ("") -> [];
      (File) -> case file:consult(File) of
        {ok, [List]} when is_list(List) -> case lists:all(IsEntry, List) of
          true -> [];
          false -> [Line(["config", "0", "an entry is no {Application, Settings}"])]
        end;
        {ok, _} -> [Line(["config", "0", "it is not one list"])];
        {error, {Number, Teller, Reason}} ->
          [Line(["config", integer_to_list(Number), Teller:format_error(Reason)])];
        {error, Reason} -> [Line(["config", "0", file:format_error(Reason)])]
      end
    end,

    Folders = [filename:join([Folder, "lib", Name, "ebin"]) || Name <- Names],
    ok = code:add_pathsz(Folders),
    _ = code:add_patha(Protocols),
    Listed = [Module || Ebin <- Folders, File <- filelib:wildcard(filename:join(Ebin, "*.app")),
      {ok, [{application, _, Keys}]} <- [file:consult(File)],
      Module <- proplists:get_value(modules, Keys, [])],
    Failed = case code:ensure_modules_loaded(Listed) of
      ok -> [];
      {error, Faults} -> [Module || {Module, _} <- Faults]
    end,
    Load = fun(Module) ->
      Flush(),
      case code:ensure_loaded(Module) of
        {error, nofile} -> [Line(["module", atom_to_list(Module), "nofile", ""])];
        {error, Reason} -> [Line(["module", atom_to_list(Module), atom_to_list(Reason), Said()])];
        _ -> []
      end
    end,
    Report = [Read(Config), [Load(Module) || Module <- lists:usort(Failed)]],
    ok = file:write_file(Out, unicode:characters_to_binary(Report)),
    halt(0).
    """#
}
