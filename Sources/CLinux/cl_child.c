#include "cl_child.h"
#include "cl_raw.h"
#include "clinux.h"
#include <errno.h>
#include <limits.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/resource.h>

_Static_assert(sizeof(void *) == 8, "the kernel's signal structures below are 64-bit ones");
#if !defined(__x86_64__) && !defined(__aarch64__)
#error "the raw clone below has the order of arguments of x86-64 and AArch64"
#endif

/* Raw, as the C library's fork has no pidfd. The first three arguments have the same order on all
   machines that we allow above; the others are unused. */
static pid_t fork_with(int exit_signal, int *pidfd) {
    *pidfd = -1;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | exit_signal, NULL, pidfd, NULL, NULL);
    if (pid >= 0 || !cl_is_refusal(errno)) return pid;
    pid = (pid_t)syscall(SYS_clone, exit_signal, NULL, NULL, NULL, NULL);
    /* Nobody has reaped it yet, so the number is the child's. */
    if (pid > 0) *pidfd = cl_pidfd_open(pid);
    return pid;
}

pid_t cl_fork(int *pidfd) { return fork_with(SIGCHLD, pidfd); }

pid_t cl_fork_apart(int *pidfd) { return fork_with(0, pidfd); }

pid_t cl_fork_into(int group, int *pidfd, int *joined) {
    struct clone_args arguments = {
        .flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = (unsigned long long)group,
    };
    *joined = 1; /* before the call, as the child has its own copy of what we know then */
    pid_t pid = group < 0 ? -1 : (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid >= 0) return pid;
    *joined = 0;
    return cl_fork(pidfd);
}

static CL_BARE int is_kept(long fd, const int *kept, int count) {
    for (int index = 0; index < count; index++)
        if (kept[index] == fd) return 1;
    return 0;
}

static CL_BARE void close_listed(const int *kept, int count) {
    long directory = cl_raw4(
        SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (directory < 0) {
        unsigned long long limit[2] = {65536, 65536};
        cl_raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limit);
        for (int fd = 3; fd < 65536 && (unsigned long long)fd < limit[0]; fd++)
            if (!is_kept(fd, kept, count)) cl_raw1(SYS_close, fd);
        return;
    }
    char buffer[4096] __attribute__((aligned(8)));
    int closed;
    /* Closing while reading may skip entries, so: again from the start until there is nothing to
       close. */
    do {
        closed = 0;
        long length;
        cl_raw3(SYS_lseek, directory, 0, SEEK_SET);
        while ((length = cl_read_entries((int)directory, buffer, sizeof buffer)) > 0) {
            for (long at = 0; at < length;) {
                const struct cl_entry *entry = (const struct cl_entry *)(buffer + at);
                long fd = cl_read_number(entry->name);
                if (fd > 2 && !is_kept(fd, kept, count) && fd != directory)
                    closed += cl_raw1(SYS_close, fd) == 0;
                at += entry->length;
            }
        }
    } while (closed > 0);
    cl_raw1(SYS_close, directory);
}

/* The lowest of those that are not below `from`; -1 where there is none. */
static CL_BARE int next_kept(int from, const int *kept, int count) {
    int next = -1;
    for (int index = 0; index < count; index++)
        if (kept[index] >= from && (next < 0 || kept[index] < next)) next = kept[index];
    return next;
}

CL_BARE void cl_close_all_but(const int *kept, int count) {
    int from = 3, next, failed = 0;
    while ((next = next_kept(from, kept, count)) >= 0) {
        if (next > from) failed |= cl_raw3(SYS_close_range, from, next - 1, 0) != 0;
        from = next + 1;
    }
    failed |= cl_raw3(SYS_close_range, from, UINT_MAX, 0) != 0;
    if (failed) close_listed(kept, count); /* before Linux 5.9, or forbidden by a sandbox */
}

CL_BARE void cl_default_signals(void) {
    /* handler, flags, restorer, mask: all zero is the default disposition. */
    const unsigned long action[4] = {0};
    for (int number = 1; number <= 64; number++) {
        /* SIGKILL and SIGSTOP refuse, and have nothing but their default. */
        cl_raw4(SYS_rt_sigaction, number, action, NULL, 8);
    }
}

CL_BARE void cl_block_signals(unsigned long long *before) {
    const unsigned long long all = ~0ull;
    cl_raw4(SYS_rt_sigprocmask, SIG_SETMASK, &all, before, 8);
}

CL_BARE void cl_restore_signals(unsigned long long mask) {
    cl_raw4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

CL_BARE char *cl_write_number(char *at, unsigned long number) {
    char digits[24];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) *at++ = digits[--count];
    return at;
}

CL_BARE long cl_read_entries(int directory, void *buffer, unsigned long size) {
    return cl_raw3(SYS_getdents64, directory, buffer, size);
}

CL_BARE long cl_read_number(const char *text) {
    long number = 0;
    if (*text < '0' || *text > '9') return -1;
    for (; *text >= '0' && *text <= '9'; text++) number = number * 10 + (*text - '0');
    return number;
}
