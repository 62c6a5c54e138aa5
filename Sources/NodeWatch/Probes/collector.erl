%% Gives the events of the node's logger to Home, and takes them only as fast as Home acknowledges
%% them: what is too much is counted, not kept. It is linked to Home and leaves nothing when Home
%% goes. Ids: names for the filter, the first that is free is taken. Least: the least severe level.
%% Most: how many events may be on their way. Watches: whether system events are wanted too.
fun(Home, Ids, Least, Most, Watches) ->
    erlang:process_flag(trap_exit, true),
    %% A limit of the node's own would end it without its filter being taken out.
    erlang:process_flag(max_heap_size, 0),
    Self = erlang:self(),
    Count = counters:new(2, [atomics]),
    Text = fun(Event) ->
               Chars = logger_formatter:format(Event, #{template => [msg], depth => 30,
                                                        max_size => 4000}),
               unicode:characters_to_binary(Chars)
           end,
    %% What is large is cut where it was logged: nothing large waits here.
    Small = fun(Event) ->
                case erlang:external_size(Event) > 2000 of
                    false -> Event;
                    true ->
                        Said = try Text(Event) catch _:_ -> erlang:list_to_binary("?") end,
                        Event#{msg => {string, Said},
                               meta => maps:with([time, mfa, pid], maps:get(meta, Event))}
                end
            end,
    Filter = fun(Event, Id) ->
                 case erlang:is_process_alive(Self)
                     andalso logger:compare_levels(maps:get(level, Event), Least) =/= lt of
                     false ->
                         erlang:is_process_alive(Self)
                             orelse erlang:spawn(logger, remove_primary_filter, [Id]),
                         ignore;
                     true ->
                         case counters:get(Count, 1) >= Most of
                             true -> counters:add(Count, 2, 1);
                             false ->
                                 counters:add(Count, 1, 1),
                                 Self ! {1, Small(Event)}
                         end,
                         ignore
                 end
             end,
    Add = fun Add([Id | Rest]) ->
                  case logger:add_primary_filter(Id, {Filter, Id}) of
                      ok -> Id;
                      _ -> Add(Rest)
                  end;
              Add([]) -> []
          end,
    Id = Add(Ids),
    case Watches andalso erlang:system_monitor() =:= undefined of
        true -> erlang:system_monitor(Self, [{long_gc, 500}, {long_schedule, 500}, busy_dist_port]);
        false -> ok
    end,
    Line = fun(Event) ->
               Meta = maps:get(meta, Event),
               Module = case maps:get(mfa, Meta, []) of
                            {M, _, _} -> M;
                            _ -> []
                        end,
               {maps:get(time, Meta, 0), maps:get(level, Event), Module, maps:get(pid, Meta, []),
                try Text(Event) catch _:_ -> erlang:list_to_binary("?") end}
           end,
    Flush = fun(Lines) ->
                Lost = counters:get(Count, 2),
                counters:sub(Count, 2, Lost),
                case {Lines, Lost} of
                    {[], 0} -> ok;
                    _ -> erlang:send(Home, {lists:reverse(Lines), Lost, Self})
                end
            end,
    Loop = fun Loop(Lines, 200) ->
                   Flush(Lines),
                   Loop([], 0);
               Loop(Lines, N) ->
                   Wait = case {Lines, counters:get(Count, 2)} of
                              {[], 0} -> infinity;
                              {[], _} -> 50;
                              _ -> 10
                          end,
                   receive
                       {1, Event} -> Loop([Line(Event) | Lines], N + 1);
                       {2, Taken} ->
                           counters:sub(Count, 1, Taken),
                           Loop(Lines, N);
                       {monitor, Pid, Kind, Info} ->
                           erlang:send(Home, {Pid, Kind, Info}),
                           Loop(Lines, N);
                       {'EXIT', _, _} -> ok
                   after Wait ->
                       Flush(Lines),
                       Loop([], 0)
                   end
           end,
    erlang:send(Home, {Id, Self}),
    try Loop([], 0) after Id =:= [] orelse logger:remove_primary_filter(Id) end
end
