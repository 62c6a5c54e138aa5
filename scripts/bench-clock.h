// The clock of the benchmarks: nanoseconds of CLOCK_MONOTONIC, which all processes of a host share.
#pragma once
#include <time.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void wait_until(long long moment) {
  struct timespec time = {moment / 1000000000LL, moment % 1000000000LL};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0) {
  }
}
