%% Gives the events of the node's logger to Home, and takes them only as fast as Home acknowledges
%% them: what is too much is counted, not kept. It is linked to Home and leaves nothing when Home
%% goes. Ids: names for the filter, the first that is free is taken. Least: the least severe level.
%% Most: how many events may be on their way. Watches: whether system events are wanted too.
fun(Home, Ids, Least, Most, Watches) ->
    erlang:process_flag(trap_exit, true),
    Self = erlang:self(),
    Count = counters:new(2, [atomics]),
    Filter = fun(Event, _) ->
                 case logger:compare_levels(maps:get(level, Event), Least) of
                     lt -> ignore;
                     _ ->
                         case counters:get(Count, 1) >= Most of
                             true -> counters:add(Count, 2, 1);
                             false ->
                                 counters:add(Count, 1, 1),
                                 Self ! {1, Event}
                         end,
                         ignore
                 end
             end,
    Add = fun Add([Id | Rest]) ->
                  case logger:add_primary_filter(Id, {Filter, []}) of
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
    Text = fun(Event) ->
               Chars = logger_formatter:format(Event, #{template => [msg], depth => 30,
                                                        max_size => 4000}),
               unicode:characters_to_binary(Chars)
           end,
    Line = fun(#{level := Level, meta := Meta} = Event) ->
               Module = case Meta of
                            #{mfa := {M, _, _}} -> M;
                            _ -> []
                        end,
               {maps:get(time, Meta, 0), Level, Module, maps:get(pid, Meta, []),
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
    Loop = fun Loop(Lines, N) ->
               Wait = case Lines of
                          [] -> case counters:get(Count, 2) of 0 -> infinity; _ -> 50 end;
                          _ -> 10
                      end,
               receive
                   {1, Event} when N < 200 -> Loop([Line(Event) | Lines], N + 1);
                   {2, Taken} ->
                       counters:sub(Count, 1, Taken),
                       Loop(Lines, N);
                   {monitor, Pid, Kind, Info} ->
                       erlang:send(Home, {Pid, Kind, Info}),
                       Loop(Lines, N);
                   {'EXIT', _, _} -> ok
               after case N >= 200 of true -> 0; false -> Wait end ->
                   Flush(Lines),
                   Loop([], 0)
               end
           end,
    erlang:send(Home, {Id, Self}),
    try Loop([], 0) after Id =:= [] orelse logger:remove_primary_filter(Id) end
end
