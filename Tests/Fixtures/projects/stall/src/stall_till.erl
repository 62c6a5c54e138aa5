%% Fails while it starts, or later.
-module(stall_till).
-behaviour(gen_server).
-export([start_link/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).

start_link(Fault) -> gen_server:start_link({local, ?MODULE}, ?MODULE, Fault, []).

init("connect") ->
    {ok, {Host, Port}} = application:get_env(database),
    case gen_tcp:connect(Host, Port, []) of
        {ok, Socket} -> {ok, Socket};
        {error, Reason} -> {stop, {connect_failed, {Host, Port}, Reason}}
    end;
init("match") ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, 1, []),
    {ok, Socket};
init("stop") -> {stop, no_float};
init("undef") -> stall_absent:run();
init("badarg") -> {ok, list_to_integer("ten")};
init("later") ->
    erlang:send_after(700, self(), blow),
    {ok, later};
init(Fault) -> {ok, Fault}.

handle_call(_Request, _From, State) -> {reply, ok, State}.
handle_cast(_Request, State) -> {noreply, State}.
handle_info(blow, _State) -> error(the_fuse_has_blown).
