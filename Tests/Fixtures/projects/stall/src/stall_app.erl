-module(stall_app).
-behaviour(application).
-export([start/2, stop/1]).

start(_Type, _Arguments) ->
    case os:getenv("FAULT") of
        "error" -> {error, no_licence};
        "raise" -> error({no_shelf, 7});
        "hang" -> timer:sleep(infinity);
        Fault -> stall_sup:start_link(Fault)
    end.

stop(_State) -> ok.
