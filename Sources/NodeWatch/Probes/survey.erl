%% Walks over all processes. What is done for each is done by functions of the node itself, so
%% that only a few steps are interpreted. Window: milliseconds between two looks at reductions,
%% 0 for one look. Top: how many leaders are told.
fun(Window, Top) ->
    erlang:process_flag(priority, low),
    Ps = erlang:processes(),
    N = erlang:length(Ps),
    All = fun(Key) ->
              lists:zipwith(fun erlang:process_info/2, Ps, lists:duplicate(N, Key))
          end,
    First = All(reductions),
    Rates = case Window of
                0 -> lists:zip(First, Ps);
                _ ->
                    receive after Window -> ok end,
                    [{{reductions, B - A}, P}
                     || {{reductions, A}, {reductions, B}, P}
                            <- lists:zip3(First, All(reductions), Ps)]
            end,
    Queues = lists:zip(All(message_queue_len), Ps),
    Heaps = lists:filter(fun erlang:is_list/1, All([group_leader, memory])),
    Shares = [{L, erlang:length(Ms), lists:sum([M || [{memory, M}] <- Ms])}
              || {{group_leader, L}, Ms}
                     <- maps:to_list(maps:groups_from_list(fun erlang:hd/1, fun erlang:tl/1,
                                                           Heaps))],
    Most = fun(Pairs) ->
               lists:sublist(lists:reverse(lists:sort([Pair || {{_, _}, _} = Pair <- Pairs])), Top)
           end,
    Tell = fun({{_, Value}, P}) ->
               {P, Value,
                erlang:process_info(P, [registered_name, message_queue_len, memory, initial_call,
                                        current_function]),
                catch proc_lib:translate_initial_call(P)}
           end,
    Self = erlang:self(),
    {[Tell(X) || {{_, Count}, P} = X <- Most(Rates), Count > 0, P =/= Self],
     [Tell(X) || {{_, Count}, _} = X <- Most(Queues), Count > 0],
     Shares,
     [Tell(X) || X <- Most(lists:zip(All(memory), Ps))]}
end
