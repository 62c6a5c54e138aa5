// The floor of `relbench log`: what an append cannot do without, and nothing else.
//
//   bench-append FILE WRITES LENGTH START
//
// LENGTH bytes are written behind the ones before, over the zeros of a file of 1 MiB, and synced before the next ones;
// behind its end it begins anew. It begins at START, nanoseconds of CLOCK_MONOTONIC; 0 only makes the file. What it
// prints are nanoseconds too: when it began, when it ended, and what each write took.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench-clock.h"

enum { SIZE = 1 << 20 };

static void need(int is_right, const char *what) {
  if (is_right) return;
  perror(what);
  exit(1);
}

static void put(int file, const char *bytes, int length, off_t place) {
  need(pwrite(file, bytes, length, place) == length, "pwrite");
  need(fdatasync(file) == 0, "fdatasync");
}

int main(int count, char **words) {
  need(count == 5, "four arguments");
  int writes = atoi(words[2]), length = atoi(words[3]);
  long long start = atoll(words[4]);
  int file = open(words[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  need(file != -1, words[1]);
  if (start == 0) {
    put(file, calloc(1, SIZE), SIZE, 0);
    return 0;
  }
  char *line = malloc(length);
  long long *took = malloc(writes * sizeof *took);
  need(line && took && length <= SIZE, "memory");
  memset(line, 'x', length);

  wait_until(start);
  long long began = now(), before = began;
  off_t place = 0;
  for (int i = 0; i < writes; i++) {
    if (place + length > SIZE) place = 0;
    put(file, line, length, place);
    place += length;
    long long after = now();
    took[i] = after - before;
    before = after;
  }
  printf("%lld %lld", began, before);
  for (int i = 0; i < writes; i++) printf(" %lld", took[i]);
  printf("\n");
  return 0;
}
