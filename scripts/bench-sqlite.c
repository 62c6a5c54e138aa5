// The peer of `relbench log`: lines into SQLite, each transaction durable before the next one begins.
//
//   bench-sqlite DB MODE TRANSACTIONS LINES LENGTH START
//
// MODE is alone (one writer), locked (many, one at a time behind flock on DB.lock) or busy (many, SQLite's own waiting).
// LINES of LENGTH bytes go into each transaction. It begins at START, nanoseconds of CLOCK_MONOTONIC; 0 only makes the
// table. What it prints are nanoseconds too: when it began, when it ended, and what each transaction took.
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "bench-clock.h"

static sqlite3 *db;

static void need(int is_right, const char *what) {
  if (is_right) return;
  fprintf(stderr, "bench-sqlite: %s: %s\n", what, db ? sqlite3_errmsg(db) : "failed");
  exit(1);
}

static void run(const char *sql) { need(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql); }

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *statement = NULL;
  need(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) == SQLITE_OK, sql);
  return statement;
}

static void step(sqlite3_stmt *statement) {
  need(sqlite3_step(statement) == SQLITE_DONE, sqlite3_sql(statement));
  sqlite3_reset(statement);
}

static void open_database(const char *path) {
  need(sqlite3_open(path, &db) == SQLITE_OK, path);
  sqlite3_busy_timeout(db, 60000);
  run("pragma journal_mode=wal");
  run("pragma synchronous=full");
  // A WAL that is kept is written over instead of growing, which makes syncing it cheaper.
  int keep = 1;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
  run("create table if not exists events(seq integer primary key, line text)");
}

int main(int count, char **words) {
  need(count == 7, "six arguments");
  const char *mode = words[2];
  int transactions = atoi(words[3]), lines = atoi(words[4]), length = atoi(words[5]);
  long long start = atoll(words[6]);
  open_database(words[1]);
  if (start == 0) return sqlite3_close(db);

  int lock = -1;
  if (strcmp(mode, "locked") == 0) {
    char path[4096];
    snprintf(path, sizeof path, "%s.lock", words[1]);
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    need(lock != -1, path);
  }
  // A statement of its own is a transaction already, the cheapest there is.
  int is_explicit = lines > 1 || strcmp(mode, "busy") == 0;
  sqlite3_stmt *begin = prepare("begin immediate"), *commit = prepare("commit");
  sqlite3_stmt *insert = prepare("insert into events(line) values (?)");
  char *line = malloc(length);
  long long *took = malloc(transactions * sizeof *took);
  need(line && took, "memory");
  memset(line, 'x', length);
  sqlite3_bind_text(insert, 1, line, length, SQLITE_STATIC);

  wait_until(start);
  long long began = now(), before = began;
  for (int i = 0; i < transactions; i++) {
    if (lock != -1) need(flock(lock, LOCK_EX) == 0, "flock");
    if (is_explicit) step(begin);
    for (int j = 0; j < lines; j++) step(insert);
    if (is_explicit) step(commit);
    if (lock != -1) need(flock(lock, LOCK_UN) == 0, "flock");
    long long after = now();
    took[i] = after - before;
    before = after;
  }
  printf("%lld %lld", began, before);
  for (int i = 0; i < transactions; i++) printf(" %lld", took[i]);
  printf("\n");
  sqlite3_finalize(begin);
  sqlite3_finalize(insert);
  sqlite3_finalize(commit);
  return sqlite3_close(db);
}
