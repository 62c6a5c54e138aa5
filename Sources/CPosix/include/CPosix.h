// What Glibc's Swift module leaves out: variadic functions, macros and GNU extensions.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// open(2) with O_CLOEXEC added; returns -1 and sets errno on failure.
int cposix_open(const char *path, int flags, mode_t mode);

// pipe2(2) with O_CLOEXEC.
int cposix_pipe(int ends[2]);

// Open-file-description locks (Linux 3.15): they belong to the open file, not to the process.
// exclusive: 1 for a write lock, 0 for a read lock; wait: 1 to block. 0, or -1 with errno.
int cposix_lock(int descriptor, int exclusive, int wait);

// Let go of the lock, also for copies of the descriptor that a process being started has for a moment.
int cposix_unlock(int descriptor);

// F_OFD_GETLK: 1 if the lock is held elsewhere, 0 if not, -1 with errno.
// It never takes the lock, so that looking does not make others fail.
int cposix_is_locked(int descriptor);

// Make descendants whose parent ends children of this process (PR_SET_CHILD_SUBREAPER).
int cposix_become_subreaper(void);

// inotify watch on a file: each time that it is opened. A descriptor, or -1.
int cposix_watch_opens(const char *file);

// inotify watch on a folder: names that appear, are written to, moved or removed. A descriptor, or -1.
int cposix_watch(const char *folder);

// The same for names that appear, go or are given to something else, and for the folder's own; not for what is written.
int cposix_watch_names(const char *folder);

// Add a folder to the watches of `descriptor`.
int cposix_watch_more(int descriptor, const char *folder);

// A descriptor that becomes readable when one of the signals arrives; they are blocked in this process.
int cposix_signals(const int *signals, int count);

// The next signal read from such a descriptor, 0 if none is there, -1 with errno.
int cposix_next_signal(int descriptor);

// What a program sees of a folder: `hidden` is empty in it but for these paths. A list ends with NULL.
struct cposix_view {
  const char *hidden;
  char *const *writable;
  char *const *readable;
  const char *alias;  // shows the first of `readable` at this place too, if that is a folder; or NULL
};

#define CPOSIX_MOST_MORE 16

struct cposix_start {
  int new_session;          // setsid(2) first
  int parent_death_signal;  // sent to it when the thread that starts it ends: PR_SET_PDEATHSIG in prctl(2); or 0
  int group;                // `cgroup.procs` of the control group that it enters first, open for writing; or -1
  uid_t user;               // it gets this user and group, no capability and no way to one; or 0
  const struct cposix_view *view;  // in a mount namespace of its own; or NULL
  const int *more;          // descriptors that it gets as 4, 5 and so on; or NULL
  int more_count;           // at most CPOSIX_MOST_MORE
};

// Start a program: argv and envp end with NULL; streams are descriptors for 0, 1 and 2;
// everything else is closed in it; directory may be NULL; signals are unblocked and reset.
// Returns 0 and *pid, or the errno of the failing step.
int cposix_spawn(const char *program, char *const argv[], char *const envp[], const char *directory,
                 const int streams[3], struct cposix_start start, pid_t *pid);

// Wait for a child: pid (or -1 for any); block or not. Returns the pid, 0 if none is ready, -1 with errno.
// *code is the exit code, or -1; *signal is the ending signal, or 0.
pid_t cposix_wait(pid_t pid, int block, int *code, int *signal);

// Terminal size of a descriptor; 0, or -1 with errno.
int cposix_terminal_size(int descriptor, int *columns, int *rows);

// Write out everything on the file system of a descriptor (syncfs(2)); 0, or -1 with errno.
int cposix_sync_file_system(int descriptor);

// A descriptor that becomes readable when a process ends, any process (pidfd_open(2), Linux 5.3); -1 with errno.
int cposix_process_descriptor(pid_t pid);

// Send a signal to the process of such a descriptor (pidfd_send_signal(2), Linux 5.1); 0, or -1 with errno.
int cposix_signal_process(int descriptor, int signal);

// A file in memory without a name (memfd_create(2)); a descriptor, or -1 with errno.
int cposix_memory_file(void);

// A non-blocking TCP socket of the family in the network namespace behind a descriptor (setns(2)); the caller's own
// thread never leaves its namespace. A descriptor, or -1 with errno.
int cposix_socket_in(int network, int family);

// Open for reading what a path names below the folder `root`, as if that were `/`: no link leads out of it, and none is
// followed at its end (openat2(2), Linux 5.6). folder: a folder, else anything. A descriptor, or -1 with errno.
int cposix_open_below(int root, const char *path, int folder);

// Set the loopback interface up in the network namespace of this process (netdevice(7)); 0, or -1 with errno.
int cposix_raise_loopback(void);

// For a process that was given capabilities of its own namespace: no program that it starts gets them, nor any by a
// setuid bit (PR_CAP_AMBIENT_CLEAR_ALL, PR_SET_NO_NEW_PRIVS); 0, or -1 with errno.
int cposix_keep_from_heirs(void);

// openat(2) of a name in an open folder, with O_CLOEXEC added; what is a link itself is refused (ELOOP), and nothing
// that is no file holds us up. A descriptor, or -1 with errno.
int cposix_open_in(int folder, const char *name, int flags, mode_t mode);

// openat(2) of a folder in an open folder: neither a link (ELOOP, ENOTDIR) nor a mount (EXDEV) is followed. A descriptor,
// or -1 with errno.
int cposix_enter(int folder, const char *name);

// SHA-256's state after `count` more blocks of 64 bytes, computed by the processor's own instructions; `constants`: the
// 64 round constants. Returns 0 without having done anything where the processor has none.
int cposix_sha256(uint32_t state[8], const uint8_t *blocks, size_t count, const uint32_t constants[64]);

// Whether `part` is anywhere in `bytes` (memmem(3)).
int cposix_contains(const void *bytes, size_t count, const void *part, size_t length);

// The size of an open file without a look at its times (statx(2), Linux 4.11); -1 with errno.
off_t cposix_size(int descriptor);

// Begin to write a part of a file to the disk, without waiting for it (sync_file_range(2)); 0, or -1 with errno.
int cposix_start_writing(int descriptor, off_t offset, off_t count);

// Device and inode of what lies at a path, or of an open file where that is NULL, without a look at its times
// (statx(2)); 0, or -1 with errno.
int cposix_identity(int descriptor, const char *path, uint64_t identity[2]);

// Where data begins at `offset` or behind it in a file that may have holes (lseek(2), SEEK_DATA); -1 where none does.
off_t cposix_next_data(int descriptor, off_t offset);

// Random bytes, as many as were asked for if that is no more than 256 (getrandom(2), Linux 3.17); -1 with errno.
ssize_t cposix_random(void *bytes, size_t count);

// Mount a file system that needs no device (mount(2)): setuid bits and devices in it count for nothing. 0, or -1 with
// errno.
int cposix_mount(const char *type, const char *target, const char *options);

// Take the lock of an open file or folder without waiting (flock(2)): another opening of it excludes this one. 0, or -1
// with errno.
int cposix_flock(int descriptor);

// Whether programs cannot be run from the file system of a path, or nothing can be written (statvfs(3)): 1 or 0.
int cposix_is_restricted(const char *path);

// Show a folder or file, with all that is mounted below it, at another place too (mount(2), MS_BIND). 0, or -1 with
// errno.
int cposix_bind(const char *source, const char *target);

// Whether a time service keeps the host's clock right (adjtimex(2)): 1 or 0, or -1 with errno.
int cposix_clock_is_kept(void);
