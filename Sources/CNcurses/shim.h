#pragma once
#define NCURSES_WIDECHAR 1
#define _XOPEN_SOURCE_EXTENDED 1
#include <langinfo.h>
#include <locale.h>
#include <ncursesw/curses.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <wchar.h>

// term.h defines a macro for every capability; these are words that others use.
#undef columns
#undef lines
#undef tab
#undef newline

// What Swift cannot say: macros, variadic functions, global variables, sigaction.

// Makes the C library see UTF-8 in this process, which decides what ncurses can draw. Returns 0
// when the environment asks for another encoding or there is no such locale.
static inline int cnc_use_utf8(void) {
  const char *named = setlocale(LC_CTYPE, "");
  const char *encoding = named ? nl_langinfo(CODESET) : "";
  int is_utf8 = strcmp(encoding, "UTF-8") == 0;
  // No locale set says nothing about the terminal, and today's terminals are UTF-8.
  int is_unset = !named || strcmp(encoding, "ANSI_X3.4-1968") == 0;
  if (!is_utf8 && !is_unset) return 0;
  if (setlocale(LC_CTYPE, "C.UTF-8")) return 1;
  return is_utf8 && setlocale(LC_CTYPE, "") != NULL;
}

static const int cnc_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};

// newterm and endwin change signal actions; the owner of the process has its own.
static inline SCREEN *cnc_newterm(const char *name, FILE *out, FILE *in) {
  struct sigaction before[4];
  for (int i = 0; i < 4; i++) sigaction(cnc_signals[i], NULL, &before[i]);
  // Not by LINES and COLUMNS, and 24 by 80 where terminfo has no size; without the second call
  // newterm would fail there.
  use_env(FALSE);
  use_tioctl(TRUE);
  SCREEN *screen = newterm(name, out, in);
  for (int i = 0; i < 4; i++) sigaction(cnc_signals[i], &before[i], NULL);
  return screen;
}

static inline void cnc_endwin(void) {
  struct sigaction before[4];
  for (int i = 0; i < 4; i++) sigaction(cnc_signals[i], NULL, &before[i]);
  endwin();
  for (int i = 0; i < 4; i++) sigaction(cnc_signals[i], &before[i], NULL);
}

// Hidden behind _GNU_SOURCE, which an importer may not define.
int memfd_create(const char *name, unsigned flags);

// A file without a name that is not inherited by other programs.
static inline int cnc_memory_file(void) { return memfd_create("frame", 1U /* MFD_CLOEXEC */); }

static inline WINDOW *cnc_window(void) { return stdscr; }

static inline void cnc_repaint(void) { clearok(curscr, TRUE); }

// What terminfo says of a terminal: 0 that it knows none of this name, 1 that it has one which
// cannot place its cursor, 2 that a screen can be drawn on it. newterm answers NULL to both of
// the former.
static inline int cnc_terminal_kind(const char *name, int descriptor) {
  int found = 0;
  if (setupterm(name, descriptor, &found) != OK || found != 1) return 0;
  const char *capability = tigetstr("cup");
  int can_place = capability != NULL && capability != (const char *)-1;
  del_curterm(cur_term);
  return can_place ? 2 : 1;
}

static inline int cnc_colors(void) { return tigetnum("colors"); }

// The bits are those of Style.Attributes.
static inline attr_t cnc_attributes(unsigned bits) {
  return (bits & 1 ? A_BOLD : 0) | (bits & 2 ? A_DIM : 0) | (bits & 4 ? A_ITALIC : 0) |
         (bits & 8 ? A_UNDERLINE : 0) | (bits & 16 ? A_REVERSE : 0);
}

static inline int cnc_set(cchar_t *cell, const wchar_t *text, attr_t attributes, short pair) {
  return setcchar(cell, text, attributes, pair, NULL);
}

static inline int cnc_width(wchar_t character) { return wcwidth(character); }

static inline int cnc_window_size(int descriptor, int *rows, int *columns) {
  struct winsize size = {0};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return -1;
  *rows = size.ws_row;
  *columns = size.ws_col;
  return 0;
}
