# Makes compilation reproducible. Some macros compile values of the machine into code: LiveView keeps the time at which a
# router was compiled, and a digest of variables that Macro.unique_var has numbered; a regular expression with named groups
# holds a few bytes of uninitialised memory. So the modules that read such values are loaded again, in this virtual machine
# alone, with the calls redirected to functions whose results depend only on the source. A module of another form stays
# unchanged.

answers = """
-module(relpack_steady).
-export([unique_integer/0, system_time/0, compile/2]).
unique_integer() ->
  Count = case get(relpack_steady) of undefined -> 1; Last -> Last + 1 end,
  put(relpack_steady, Count),
  -(file() bsl 20 + Count).
%% Nanoseconds, between the years 2000 and 2017.
system_time() -> (946684800 + file() rem 536112000) * 1000000000.
%% An entry of PCRE's table of names is a number, the name, a zero, and uninitialised bytes: pcre_internal.h.
compile(Source, Options) ->
  Compiled = re:compile(Source, Options),
  try written(Compiled) catch _:_ -> Compiled end.
written({ok, {re_pattern, Groups, Unicode, Line,
    <<"ERCP", _:30/binary, Table:16/little, Size:16/little, Count:16/little, _/binary>> = Code}}) when Count > 0 ->
  <<Head:Table/binary, Names:(Size * Count)/binary, Rest/binary>> = Code,
  Clean = << <<(clean(Entry, Size))/binary>> || <<Entry:Size/binary>> <= Names >>,
  {ok, {re_pattern, Groups, Unicode, Line, <<Head/binary, Clean/binary, Rest/binary>>}};
written(Other) -> Other.
clean(<<Number:2/binary, Text/binary>>, Size) ->
  [Name | _] = binary:split(Text, <<0>>),
  <<Number/binary, Name/binary, 0:((Size - 2 - byte_size(Name)) * 8)>>.
file() ->
  case get(elixir_compiler_file) of
    undefined -> 0;
    Name -> {ok, Bytes} = file:read_file(Name), <<Number:40, _/binary>> = erlang:md5(Bytes), Number
  end.
"""

define = fn text ->
  {:ok, tokens, _} = :erl_scan.string(String.to_charlist(text))
  forms = Enum.chunk_while(tokens, [], fn
    {:dot, _} = dot, form -> {:cont, Enum.reverse([dot | form]), []}
    token, form -> {:cont, [token | form]}
  end, fn [] -> {:cont, []} end)
  {:ok, module, beam} = :compile.forms(for form <- forms do
    {:ok, parsed} = :erl_parse.parse_form(form)
    parsed
  end)
  :code.load_binary(module, 'relpack_steady', beam)
end

# A compiled module has a table of atoms and one of imports. This adds an atom for the replacement module and makes the
# call's import name it. OTP 28 writes the table of atoms in another format, with a negative count.
redirect = fn module, {target, function, arity} ->
  with true <- Code.ensure_loaded?(module),
       path when is_list(path) <- :code.which(module),
       {:ok, ^module, chunks} <- :beam_lib.all_chunks(path),
       {_, <<count::32-signed, names::binary>>} when count > 0 <- List.keyfind(chunks, 'AtU8', 0),
       {_, <<calls::32, imports::binary>>} <- List.keyfind(chunks, 'ImpT', 0),
       atoms = (for <<size, name::binary-size(size) <- names>>, do: name),
       asked when asked != nil <- Enum.find_index(atoms, &(&1 == target)),
       called when called != nil <- Enum.find_index(atoms, &(&1 == function)) do
    ours = "relpack_steady"
    imports = for <<m::32, f::32, a::32 <- imports>>, into: "" do
      <<if({m, f, a} == {asked + 1, called + 1, arity}, do: count + 1, else: m)::32, f::32, a::32>>
    end
    chunks = List.keyreplace(chunks, 'AtU8', 0, {'AtU8', <<count + 1::32, names::binary, byte_size(ours), ours::binary>>})
    {:ok, beam} = :beam_lib.build_module(List.keyreplace(chunks, 'ImpT', 0, {'ImpT', <<calls::32, imports::binary>>}))
    :code.load_binary(module, path, beam)
  end
end

# An error is ignored: a build that is not reproducible is better than none.
:persistent_term.put(:relpack_steady, fn module, call ->
  try do
    Code.ensure_loaded?(:relpack_steady) || define.(answers)
    redirect.(module, call)
  rescue
    _ -> :ok
  end
end)
