# What compilers ask the machine for gets into code: LiveView keeps the moment at which a router was compiled, and digests
# variables that Macro.unique_var has numbered. Two builds of one source would differ, wherever they happen. So the two
# modules that ask are loaded once more, in this virtual machine alone, with the calls going to functions whose answer
# follows from the file that is being compiled. A module of another form, or an unknown one, stays what it is.

answers = """
-module(relpack_steady).
-export([unique_integer/0, system_time/0]).
unique_integer() ->
  Count = case get(relpack_steady) of undefined -> 1; Last -> Last + 1 end,
  put(relpack_steady, Count),
  -(file() bsl 20 + Count).
%% Nanoseconds, between the years 2000 and 2017.
system_time() -> (946684800 + file() rem 536112000) * 1000000000.
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

# Atoms and imports are tables in a compiled module: an atom more, and the call's import names it in place of erlang.
# OTP 28 writes the table of atoms in another way, with a count below zero.
redirect = fn module, function ->
  with true <- Code.ensure_loaded?(module),
       path when is_list(path) <- :code.which(module),
       {:ok, ^module, chunks} <- :beam_lib.all_chunks(path),
       {_, <<count::32-signed, names::binary>>} when count > 0 <- List.keyfind(chunks, 'AtU8', 0),
       {_, <<calls::32, imports::binary>>} <- List.keyfind(chunks, 'ImpT', 0),
       atoms = (for <<size, name::binary-size(size) <- names>>, do: name),
       erlang when erlang != nil <- Enum.find_index(atoms, &(&1 == "erlang")),
       called when called != nil <- Enum.find_index(atoms, &(&1 == function)) do
    ours = "relpack_steady"
    imports = for <<m::32, f::32, arity::32 <- imports>>, into: "" do
      <<if({m, f, arity} == {erlang + 1, called + 1, 0}, do: count + 1, else: m)::32, f::32, arity::32>>
    end
    chunks = List.keyreplace(chunks, 'AtU8', 0, {'AtU8', <<count + 1::32, names::binary, byte_size(ours), ours::binary>>})
    {:ok, beam} = :beam_lib.build_module(List.keyreplace(chunks, 'ImpT', 0, {'ImpT', <<calls::32, imports::binary>>}))
    :code.load_binary(module, path, beam)
  end
end

# A build is worth more than its being the same twice.
:persistent_term.put(:relpack_steady, fn module, function ->
  try do
    Code.ensure_loaded?(:relpack_steady) || define.(answers)
    redirect.(module, function)
  rescue
    _ -> :ok
  end
end)
