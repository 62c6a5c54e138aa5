%% Answers HTTP on PORT.
-module(stall_web).
-export([start_link/0, start/1]).

start_link() -> proc_lib:start_link(?MODULE, start, [self()]).

start(_Parent) ->
    Port = list_to_integer(os:getenv("PORT")),
    Options = [binary, {active, false}, {packet, http_bin}, {reuseaddr, true}, {ip, {127, 0, 0, 1}}],
    {ok, Listener} = gen_tcp:listen(Port, Options),
    proc_lib:init_ack({ok, self()}),
    accept(Listener).

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    _ = gen_tcp:recv(Socket, 0),
    _ = gen_tcp:send(Socket, <<"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok">>),
    gen_tcp:close(Socket),
    accept(Listener).
