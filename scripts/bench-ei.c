// The peer of `relbench node`: calls of a node's function, one after the other, by Erlang's own C client.
//
//   bench-ei ADDRESS PORT NODE CALLS START
//
// The cookie is read from ~/.erlang.cookie. It begins at START, nanoseconds of CLOCK_MONOTONIC. What it prints are
// nanoseconds too: when it began, when it ended, and what each call took.
#include <ei.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench-clock.h"

static void need(int is_right, const char *what) {
  if (is_right) return;
  fprintf(stderr, "bench-ei: %s: failed\n", what);
  exit(1);
}

int main(int count, char **words) {
  need(count == 6, "five arguments");
  int port = atoi(words[2]), calls = atoi(words[4]);
  need(ei_init() == 0, "ei_init");
  ei_cnode self;
  struct in_addr own = {htonl(INADDR_LOOPBACK)};
  need(ei_connect_xinit(&self, "127.0.0.1", "bench", "bench@127.0.0.1", &own, NULL, 0) == 0, "ei_connect_xinit");
  int socket = ei_connect_host_port(&self, words[1], port);
  need(socket >= 0, words[3]);

  ei_x_buff arguments, answer;
  ei_x_new(&answer);
  long long *took = malloc(calls * sizeof *took);
  need(took != NULL, "memory");
  wait_until(atoll(words[5]));
  long long began = now(), before = began;
  for (int i = 0; i < calls; i++) {
    // A caller has arguments to encode and an answer to decode each time.
    ei_x_new(&arguments);
    ei_x_encode_empty_list(&arguments);
    answer.index = 0;
    need(ei_rpc(&self, socket, "erlang", "node", arguments.buff, arguments.index, &answer) == 0, "ei_rpc");
    char name[MAXATOMLEN_UTF8];
    int index = 0;
    need(ei_decode_atom(answer.buff, &index, name) == 0, "the answer");
    need(strcmp(name, words[3]) == 0, name);
    ei_x_free(&arguments);
    long long after = now();
    took[i] = after - before;
    before = after;
  }
  printf("%lld %lld", began, before);
  for (int i = 0; i < calls; i++) printf(" %lld", took[i]);
  printf("\n");
  return 0;
}
