#!/usr/bin/env escript
%% Writes terms as this Erlang encodes them: one file of external term format for each.
main([]) ->
  Dir = filename:dirname(escript:script_name()),
  [ok = file:write_file(filename:join(Dir, Name ++ ".etf"), Bytes) || {Name, Bytes} <- terms()].

terms() ->
  Here = self(),
  Big = 1 bsl 3000,
  [{Name, term_to_binary(Term, [{minor_version, 2}])} || {Name, Term} <- [
    {"integers", [0, 255, 256, -1, 2147483647, -2147483648, 2147483648, 1 bsl 63, -(1 bsl 63),
                  -(1 bsl 63) - 1, 1 bsl 64, Big, -Big]},
    {"floats", [0.0, 1.5, -2.25, 1.0e300, 5.0e-324]},
    {"atoms", [ok, '', 'hello world', 'grüße', list_to_atom(lists:duplicate(255, $ü))]},
    {"lists", [[], "text", [1, 2, 300], [a | b], [1, 2 | 3]]},
    {"tuples", {{}, {a}, {a, {b, {c}}}, list_to_tuple(lists:seq(1, 300))}},
    {"binaries", [<<>>, <<"bytes">>, <<1, 2, 5:3>>, <<1:1>>]},
    {"maps", #{a => 1, "b" => #{c => []}, 1.0 => x, 1 => y}},
    {"identifiers", [Here, hd(erlang:ports()), make_ref(), fun lists:map/2]},
    {"fun", fun(X) -> {X, Here, Big} end}
  ]] ++ [
    {"old_atoms", term_to_binary([ok, 'grün'], [{minor_version, 1}])},
    {"old_float", term_to_binary(-1.25, [{minor_version, 0}])},
    {"compressed", term_to_binary(lists:duplicate(100, text), [compressed])}
  ].
