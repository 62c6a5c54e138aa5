/// The Erlang expression that the virtual machine of a `BeamStripper` evaluates. Its working folder is the tree; its one
/// plain argument is the stripper's own folder.
///
/// Chunks: "beam_lib", STDLIB reference manual. `LitT` is compressed up to OTP 27, and later if its size is not 0. The
/// chunks that are removed are those that `mix release` removes; unknown chunks stay, because the loader may need them.
enum BeamScript {
  static let text = #"""
    [Folder] = init:get_plain_arguments(),
    {ok, List} = file:read_file(filename:join(Folder, "list")),
    Debug = ["Dbgi", "Abst", "CInf", "Docs", "ExCk", "ExDc", "ExDp", "LocT", "DbgB"],

    Plain = fun
      ({"LitT", <<0:32, Literals/binary>>}) -> Literals;
      ({"LitT", <<_:32, Packed/binary>>}) -> zlib:uncompress(Packed);
      ({_, <<131, 80, _:32, Packed/binary>>}) -> zlib:uncompress(Packed);
      ({_, Bytes}) -> Bytes
    end,

    IsNone = fun(Bytes) ->
      try binary_to_term(Bytes) of
        {debug_info_v1, _, none} -> true;
        {debug_info_v1, _, {none, _}} -> true;
        _ -> false
      catch _:_ -> false end
    end,
    State = fun(Chunks) ->
      case [Bytes || {Id, Bytes} <- Chunks, Id =:= "Dbgi" orelse Id =:= "Abst", Bytes =/= <<>>] of
        [<<0, _/binary>> | _] -> encrypted;
        [Bytes | _] when byte_size(Bytes) > 4096 -> kept;
        [Bytes | _] -> case IsNone(Bytes) of true -> none; false -> kept end;
        [] -> none
      end
    end,

    Strip = fun(Path, File, Chunks) ->
      case [Chunk || {Id, _} = Chunk <- Chunks, not lists:member(Id, Debug)] of
        Chunks -> Chunks;
        Left ->
          {ok, Beam} = beam_lib:build_module(Left),
          ok = file:write_file(Path, case File of
            <<31, 139, _/binary>> -> zlib:gzip(Beam);
            _ -> Beam
          end),
          Left
      end
    end,

    Frame = fun(Path, Bytes) ->
      [<<(byte_size(Path)):32>>, Path, <<(iolist_size(Bytes)):32>>, Bytes]
    end,
    Take = fun(<<How, Path/binary>>) ->
      {ok, File} = file:read_file(Path),
      try
        Beam = case File of <<31, 139, _/binary>> -> zlib:gunzip(File); _ -> File end,
        {ok, _, All} = beam_lib:all_chunks(Beam),
        Chunks = case How band 1 of 1 -> Strip(Path, File, All); 0 -> All end,
        case How band 2 of
          2 -> {State(Chunks), Frame(Path, [Plain(Chunk) || Chunk <- Chunks])};
          0 -> {none, []}
        end
      catch
        error:{badmatch, {error, beam_lib, _}} -> {none, Frame(Path, File)};
        error:data_error -> {none, Frame(Path, File)}
      end
    end,

    Paths = binary:split(List, <<0>>, [global, trim_all]),
    Share = length(Paths) div erlang:system_info(schedulers_online) + 1,
    Deal = fun Deal([]) -> [];
      Deal(Rest) ->
        {Mine, Others} = lists:split(min(Share, length(Rest)), Rest),
        [spawn_monitor(fun() -> exit({done, [Take(Path) || Path <- Mine]}) end) | Deal(Others)]
    end,
    Done = lists:append([receive
      {'DOWN', Monitor, process, _, {done, Part}} -> Part;
      {'DOWN', Monitor, process, _, Reason} ->
        io:format(standard_error, "~0p~n", [Reason]), halt(1)
    end || {_, Monitor} <- Deal(Paths)]),
    Count = fun(What) -> integer_to_binary(length([What || {State1, _} <- Done, State1 =:= What])) end,
    Counts = Frame(<<>>, [Count(kept), " ", Count(encrypted)]),
    ok = file:write_file(filename:join(Folder, "modules"), [[F || {_, F} <- Done], Counts]),
    halt(0).
    """#
}
