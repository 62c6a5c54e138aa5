#include <erl_nif.h>

static ERL_NIF_TERM strike(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    return enif_make_int(env, 42);
}

static ErlNifFunc functions[] = {{"strike", 0, strike, 0}};

ERL_NIF_INIT(Elixir.Anvil, functions, NULL, NULL, NULL, NULL)
