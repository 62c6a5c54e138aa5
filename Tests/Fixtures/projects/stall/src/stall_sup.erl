-module(stall_sup).
-behaviour(supervisor).
-export([start_link/1, init/1]).

start_link(Fault) -> supervisor:start_link({local, ?MODULE}, ?MODULE, Fault).

init(Fault) ->
    {ok, {#{intensity => 1, period => 5}, [
        #{id => stall_till, start => {stall_till, start_link, [Fault]}},
        #{id => stall_web, start => {stall_web, start_link, []}}
    ]}}.
