-module(pebble_app).
-behaviour(application).
-behaviour(supervisor).
-export([start/2, stop/1, init/1, greeting/0]).

start(_Type, _Arguments) ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

stop(_State) ->
    ok.

init([]) ->
    Listener = #{id => listener, start => {pebble_listener, start_link, []}},
    {ok, {#{}, [Listener]}}.

greeting() ->
    "pebble one".
