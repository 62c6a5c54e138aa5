#define _GNU_SOURCE
#include "CPosix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int cposix_open(const char *path, int flags, mode_t mode) {
  return open(path, flags | O_CLOEXEC, mode);
}

int cposix_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

static struct flock whole_file(short type) {
  struct flock lock;
  memset(&lock, 0, sizeof lock);
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

int cposix_lock(int descriptor, int exclusive, int wait) {
  struct flock lock = whole_file(exclusive ? F_WRLCK : F_RDLCK);
  return fcntl(descriptor, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
}

int cposix_unlock(int descriptor) {
  struct flock lock = whole_file(F_UNLCK);
  return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int cposix_is_locked(int descriptor) {
  struct flock lock = whole_file(F_WRLCK);
  if (fcntl(descriptor, F_OFD_GETLK, &lock) == -1) return -1;
  return lock.l_type != F_UNLCK;
}

int cposix_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

enum { watched = IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE |
       IN_DELETE_SELF | IN_MOVE_SELF };

int cposix_watch(const char *folder) {
  int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor == -1) return -1;
  if (inotify_add_watch(descriptor, folder, watched) == -1) {
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
  }
  return descriptor;
}

int cposix_watch_names(const char *folder) {
  int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor == -1) return -1;
  uint32_t names = IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  if (inotify_add_watch(descriptor, folder, names) != -1) return descriptor;
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

int cposix_watch_opens(const char *file) {
  int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor == -1) return -1;
  if (inotify_add_watch(descriptor, file, IN_OPEN) != -1) return descriptor;
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

int cposix_watch_more(int descriptor, const char *folder) {
  return inotify_add_watch(descriptor, folder, watched);
}

int cposix_signals(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) == -1) return -1;
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int cposix_next_signal(int descriptor) {
  struct signalfd_siginfo info;
  ssize_t count = read(descriptor, &info, sizeof info);
  if (count == sizeof info) return (int)info.ssi_signo;
  if (count == -1 && errno != EAGAIN && errno != EINTR) return -1;
  return 0;
}

// An open folder or file at another place, with nothing that lies on the way readable.
static int show_at(int descriptor, const char *path, size_t from, int read_only) {
  char place[PATH_MAX], source[32] = "/proc/self/fd/";
  size_t length = strlen(path);
  if (length >= sizeof place) return ENAMETOOLONG;
  for (size_t i = from + 1; i < length; i++) {
    if (path[i] != '/') continue;
    memcpy(place, path, i);
    place[i] = 0;
    if (mkdir(place, 0711) == -1 && errno != EEXIST) return errno;
    if (chmod(place, 0711) == -1) return errno;
  }
  struct stat info;
  if (fstat(descriptor, &info) == -1) return errno;
  if (S_ISDIR(info.st_mode)) {
    if (mkdir(path, 0700) == -1 && errno != EEXIST) return errno;
  } else {
    int file = open(path, O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file == -1) return errno;
    close(file);
  }
  char digits[16];
  int count = 0;
  for (int rest = descriptor; rest > 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
  size_t end = strlen(source);
  while (count > 0) source[end++] = digits[--count];
  source[end] = 0;
  if (mount(source, path, NULL, MS_BIND, NULL) == -1) return errno;
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV;
  if (mount(NULL, path, NULL, flags | (read_only ? MS_RDONLY : 0), NULL) == -1) return errno;
  return 0;
}

enum { most_shown = 16 };

static int narrow_view(const struct cposix_view *view) {
  int opened[most_shown], writable = 0, count = 0;
  if (unshare(CLONE_NEWNS) == -1) return errno;
  // What is unmounted outside later goes away here too.
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == -1) return errno;
  while (view->writable[writable]) writable++;
  for (;; count++) {
    const char *path = count < writable ? view->writable[count] : view->readable[count - writable];
    if (path == NULL) break;
    if (count == most_shown) return E2BIG;
    opened[count] = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (opened[count] == -1) return errno;
  }
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("tmpfs", view->hidden, "tmpfs", flags, "mode=0711,size=256k") == -1) return errno;
  size_t from = strlen(view->hidden);
  for (int i = 0; i < count; i++) {
    const char *path = i < writable ? view->writable[i] : view->readable[i - writable];
    int reason = show_at(opened[i], path, from, i >= writable);
    if (reason) return reason;
  }
  if (mount(NULL, view->hidden, NULL, MS_REMOUNT | MS_RDONLY | flags, "mode=0711") == -1) return errno;
  struct stat info;
  if (view->alias && writable < count && lstat(view->alias, &info) == 0 && S_ISDIR(info.st_mode))
    return show_at(opened[writable], view->alias, strlen(view->alias), 1);
  return 0;
}

// The C library's functions would change the user of all threads of the parent, whose memory this is.
static int change_user(uid_t user) {
  struct rlimit files = {65536, 65536};
  if (setrlimit(RLIMIT_NOFILE, &files) == -1 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;  // a container may allow fewer
    setrlimit(RLIMIT_NOFILE, &files);
  }
  umask(077);
  if (syscall(SYS_setgroups, 0, NULL) == -1) return errno;
  if (syscall(SYS_setresgid, user, user, user) == -1) return errno;
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);  // the next two lines hold where this is not allowed
  if (syscall(SYS_setresuid, user, user, user) == -1) return errno;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) return errno;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2];
  memset(none, 0, sizeof none);
  return syscall(SYS_capset, &header, none) == -1 ? errno : 0;
}

// Everything the child does between vfork and exec. It shares the parent's memory: it may call async-signal-safe
// functions only, and change nothing that the parent uses later.
static int become(const char *program, char *const argv[], char *const envp[],
                  const char *directory, const int streams[3], struct cposix_start start,
                  pid_t parent, int *report) {
  // Before anything else, and as the user who starts it: 0 stands for the process that writes. cgroups(7)
  if (start.group != -1 && write(start.group, "0", 1) != 1) return errno;
  if (start.new_session && setsid() == -1) return errno;
  int reason = start.view ? narrow_view(start.view) : 0;
  if (reason == 0 && start.user) reason = change_user(start.user);
  if (reason) return reason;
  if (start.parent_death_signal) {
    if (prctl(PR_SET_PDEATHSIG, start.parent_death_signal, 0, 0, 0) == -1) return errno;
    // It may have died before it could be told of.
    if (getppid() != parent) return ESRCH;
  }
  if (directory && chdir(directory) == -1) return errno;
  // First out of the way of 0, 1 and 2, then onto them, so that no order of arguments overwrites one.
  int high = fcntl(*report, F_DUPFD_CLOEXEC, 7 + CPOSIX_MOST_MORE);
  if (high == -1) return errno;
  *report = high;
  int moved[3 + CPOSIX_MOST_MORE];
  int count = 3 + start.more_count;
  if (start.more_count > CPOSIX_MOST_MORE) return EINVAL;
  for (int i = 0; i < count; i++) {
    int from = i < 3 ? streams[i] : start.more[i - 3];
    if ((moved[i] = fcntl(from, F_DUPFD_CLOEXEC, 4 + count)) == -1) return errno;
  }
  // 3 is for the report, which closes itself.
  for (int i = 0; i < count; i++)
    if (dup2(moved[i], i < 3 ? i : i + 1) == -1) return errno;
  if (dup3(high, 3, O_CLOEXEC) == -1) return errno;
  *report = 3;
  syscall(SYS_close_range, 4 + start.more_count, ~0U, 0);  // an old kernel leaves them to O_CLOEXEC
  struct sigaction standard;
  memset(&standard, 0, sizeof standard);
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < 32; number++)
    if (number != SIGKILL && number != SIGSTOP) sigaction(number, &standard, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(program, argv, envp);
  return errno;
}

int cposix_spawn(const char *program, char *const argv[], char *const envp[], const char *directory,
                 const int streams[3], struct cposix_start start, pid_t *pid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) return errno;
  pid_t parent = getpid();
  // No handler of the parent may run in the child before `become` has reset them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // fork(2) would copy the page tables, which takes milliseconds in a large process.
  pid_t child = vfork();
  if (child == 0) {
    int report = ends[1];
    int reason = become(program, argv, envp, directory, streams, start, parent, &report);
    ssize_t written = write(report, &reason, sizeof reason);
    _exit(written == sizeof reason ? 127 : 126);
  }
  int reason = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (child == -1) {
    close(ends[0]);
    return reason;
  }
  ssize_t count;
  do count = read(ends[0], &reason, sizeof reason);
  while (count == -1 && errno == EINTR);
  close(ends[0]);
  if (count == sizeof reason) {  // exec closes the pipe; what comes through it is a failure
    while (waitpid(child, NULL, 0) == -1 && errno == EINTR) {
    }
    return reason;
  }
  *pid = child;
  return 0;
}

pid_t cposix_wait(pid_t pid, int block, int *code, int *signal) {
  int status = 0;
  pid_t result;
  do result = waitpid(pid, &status, block ? 0 : WNOHANG);
  while (result == -1 && errno == EINTR);
  if (result > 0) {
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  return result;
}

int cposix_terminal_size(int descriptor, int *columns, int *rows) {
  struct winsize size;
  if (ioctl(descriptor, TIOCGWINSZ, &size) == -1) return -1;
  *columns = size.ws_col;
  *rows = size.ws_row;
  return 0;
}

int cposix_sync_file_system(int descriptor) { return syncfs(descriptor); }

int cposix_process_descriptor(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int cposix_signal_process(int descriptor, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
}

int cposix_memory_file(void) { return memfd_create("reltui", MFD_CLOEXEC); }

struct distant_socket {
  int network, family, descriptor, reason;
};

static void *make_socket(void *argument) {
  struct distant_socket *wish = argument;
  wish->descriptor = -1;
  if (setns(wish->network, CLONE_NEWNET) == 0)
    wish->descriptor = socket(wish->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  wish->reason = errno;
  return NULL;
}

// On a thread of its own, which ends in the other namespace: a process that may enter one may not always return.
int cposix_socket_in(int network, int family) {
  struct distant_socket wish = {network, family, -1, 0};
  pthread_t thread;
  int reason = pthread_create(&thread, NULL, make_socket, &wish);
  if (reason == 0) reason = pthread_join(thread, NULL);
  if (reason == 0) reason = wish.reason;
  if (wish.descriptor == -1) errno = reason;
  return wish.descriptor;
}

// The same step by step, for kernels without openat2(2): no part of the path may be a link.
static int walk_below(int root, const char *path, int flags) {
  int folder = fcntl(root, F_DUPFD_CLOEXEC, 3);
  while (folder != -1) {
    while (*path == '/') path++;
    size_t length = strcspn(path, "/");
    char name[NAME_MAX + 1];
    if (length > NAME_MAX || (length == 2 && memcmp(path, "..", 2) == 0)) {
      close(folder);
      errno = length > NAME_MAX ? ENAMETOOLONG : EXDEV;
      return -1;
    }
    memcpy(name, path, length);
    name[length] = 0;
    path += length;
    int is_last = path[strspn(path, "/")] == 0;
    int next = openat(folder, length ? name : ".", is_last ? flags : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int reason = errno;
    close(folder);
    errno = reason;
    if (is_last || next == -1) return next;
    folder = next;
  }
  return -1;
}

int cposix_open_below(int root, const char *path, int folder) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  // A pipe in the place of a file would make open(2) wait, and a terminal could become this process's.
  how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  if (folder) how.flags |= O_DIRECTORY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int descriptor = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
  // An older kernel, or a container that does not know the call.
  if (descriptor == -1 && (errno == ENOSYS || errno == EPERM)) return walk_below(root, path, (int)how.flags);
  return descriptor;
}

int cposix_raise_loopback(void) {
  int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control == -1) return -1;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  int result = ioctl(control, SIOCGIFFLAGS, &request);
  request.ifr_flags |= IFF_UP;
  if (result == 0) result = ioctl(control, SIOCSIFFLAGS, &request);
  int reason = errno;
  close(control);
  errno = reason;
  return result;
}

int cposix_keep_from_heirs(void) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1) return -1;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int cposix_open_in(int folder, const char *name, int flags, mode_t mode) {
  return openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
}

int cposix_enter(int folder, const char *name) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
  int descriptor = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
  if (descriptor != -1 || (errno != ENOSYS && errno != EPERM)) return descriptor;
  // An older kernel, or a container that does not know the call: a mount of the same file system is not noticed.
  descriptor = openat(folder, name, (int)how.flags);
  struct stat above, inside;
  if (descriptor == -1 || (fstat(folder, &above) == 0 && fstat(descriptor, &inside) == 0 && above.st_dev == inside.st_dev))
    return descriptor;
  close(descriptor);
  errno = EXDEV;
  return -1;
}

int cposix_contains(const void *bytes, size_t count, const void *part, size_t length) {
  return memmem(bytes, count, part, length) != NULL;
}

off_t cposix_size(int descriptor) {
  struct statx info;
  if (statx(descriptor, "", AT_EMPTY_PATH, STATX_SIZE, &info) != 0) return -1;
  return (off_t)info.stx_size;
}

int cposix_start_writing(int descriptor, off_t offset, off_t count) {
  return sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
}

int cposix_identity(int descriptor, const char *path, uint64_t identity[2]) {
  struct statx info;
  int folder = path == NULL ? descriptor : AT_FDCWD;
  int flags = path == NULL ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  if (statx(folder, path == NULL ? "" : path, flags, STATX_INO, &info) != 0) return -1;
  identity[0] = (uint64_t)info.stx_dev_major << 32 | info.stx_dev_minor;
  identity[1] = info.stx_ino;
  return 0;
}

off_t cposix_next_data(int descriptor, off_t offset) { return lseek(descriptor, offset, SEEK_DATA); }

ssize_t cposix_random(void *bytes, size_t count) { return getrandom(bytes, count, 0); }

int cposix_mount(const char *type, const char *target, const char *options) {
  return mount(type, target, type, MS_NOSUID | MS_NODEV, options);
}

int cposix_bind(const char *source, const char *target) {
  return mount(source, target, NULL, MS_BIND | MS_REC, NULL);
}

int cposix_flock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

int cposix_is_restricted(const char *path) {
  struct statvfs facts;
  return statvfs(path, &facts) == 0 && facts.f_flag & (ST_NOEXEC | ST_RDONLY) ? 1 : 0;
}

int cposix_clock_is_kept(void) {
  struct timex state = {.modes = 0};
  if (adjtimex(&state) == -1) return -1;
  return (state.status & STA_UNSYNC) == 0;
}
