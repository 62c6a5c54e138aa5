-module(pebble_listener).
-export([start_link/0, init/0]).

start_link() ->
    {ok, proc_lib:spawn_link(?MODULE, init, [])}.

init() ->
    register(?MODULE, self()),
    Port = list_to_integer(os:getenv("PORT", "4001")),
    Options = [binary, {active, false}, {reuseaddr, true}, {ip, {127, 0, 0, 1}}],
    {ok, Socket} = gen_tcp:listen(Port, Options),
    loop(Socket).

loop(Socket) ->
    {ok, Client} = gen_tcp:accept(Socket),
    _ = gen_tcp:recv(Client, 0, 1000),
    Body = pebble_app:greeting(),
    Head = ["HTTP/1.1 200 OK\r\nContent-Length: ", integer_to_list(length(Body)), "\r\n\r\n"],
    _ = gen_tcp:send(Client, [Head, Body]),
    _ = gen_tcp:close(Client),
    loop(Socket).
