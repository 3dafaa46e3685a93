#ifndef CL_CALLS_H
#define CL_CALLS_H
/* System calls that are variadic, too new for the C library, or in headers that Swift's Glibc
   leaves out. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* What we were called with. (Swift's own way to find that out begins with reading /proc/self/maps.) */
char **cl_arguments(int *count);

/* How many processors the caller may run on, or -1. */
int cl_processors(void);

/* These eight need _GNU_SOURCE, which only our own C files have. */
int cl_pipe(int ends[2]);
int cl_accept(int listener);
int cl_widen_pipe(int fd, int bytes); /* how much it holds at once; -1 where that is refused */
int cl_bytes_waiting(int fd); /* what a pipe or a terminal holds that nobody has read; or -1 */
/* Moves what waits in one pipe into another, without a copy and without waiting. */
ssize_t cl_move_between_pipes(int from, int to, size_t most);
int cl_peer(int socket, pid_t *pid, uid_t *uid, gid_t *gid);
const void *cl_find_bytes(const void *bytes, size_t count, const void *word, size_t length);
int cl_want_senders(int socket); /* each datagram then tells who has sent it */
/* The next datagram and its sender; -1 with EAGAIN where there is none, with EMSGSIZE where it was
   larger than the room, with EACCES where it does not tell. Descriptors in it are closed unseen. */
ssize_t cl_receive(int socket, void *room, size_t size, pid_t *pid, uid_t *uid, gid_t *gid);

static inline int cl_fcntl(int fd, int command, int argument) {
    return fcntl(fd, command, argument);
}

static inline int cl_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0u); }

static inline int cl_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u);
}

/* Whether a call that failed with this is one that a sandbox forbids, or the kernel does not know. */
static inline int cl_is_refusal(int code) {
    return code == ENOSYS || code == EPERM || code == EACCES || code == EINVAL;
}

/* 0 where such a call is answered, else the errno with which it is refused. They do nothing. */
int cl_refuses_pidfd_open(void);
int cl_refuses_pidfd_send_signal(void);
int cl_refuses_clone_pidfd(void);

/* Orphans among our descendants become our children, so that none of them gets lost. */
static inline int cl_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

/* Keeps core patterns that are programs, which ignore RLIMIT_CORE, from taking a core of us. */
static inline int cl_forbid_core(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static inline int cl_name_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

/* Gives way to others by so much (man 2 nice). On Linux that is said of one thread: this one. It is
   only a wish. */
static inline void cl_be_nicer(int by) {
    if (by != 0) setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + by);
}

/* The terminal's columns, or -1. */
static inline int cl_terminal_columns(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : -1;
}

/* Processor and disk only where nobody else wants them, for this thread and the children that it
   starts from now on (ioprio_set(2): this thread, the idle class). */
static inline void cl_step_back(void) {
    if (setpriority(PRIO_PROCESS, 0, 19) != 0) {} /* it goes on in its old place */
    syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}

/* Has the allocator give back the free top of a heap from 128 kB on. By itself it raises that threshold to
   twice the size of the largest block that was freed, up to 64 MB, and then keeps that much in the heap of
   each thread (M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in mallopt(3)). */
static inline void cl_bound_kept_memory(void) {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}

/* Gives memory that was freed back to the system, where the allocator keeps it. */
static inline void cl_release_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static inline int cl_signal_default(int number) {
    return signal(number, SIG_DFL) == SIG_ERR ? -1 : 0;
}

static inline int cl_signal_ignore(int number) {
    return signal(number, SIG_IGN) == SIG_ERR ? -1 : 0;
}

static inline int cl_signal_is_ignored(int number) {
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static inline int cl_first_realtime_signal(void) { return SIGRTMIN; }

static inline int cl_last_realtime_signal(void) { return SIGRTMAX; }

_Static_assert(sizeof(struct signalfd_siginfo) == 128, "the kernel writes 128 bytes a signal");
_Static_assert(SIGSYS == 31, "the names of signals follow the usual Linux numbers");

#endif
