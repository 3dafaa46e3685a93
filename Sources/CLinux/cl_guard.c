#include "cl_guard.h"
#include "cl_child.h"
#include "cl_mark.h"
#include "cl_process.h"
#include "cl_reserve.h"
#include "cl_tree.h"
#include "clinux.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* How long processes that do not die, such as those stuck in a disk, keep the guard. Nothing of
   them runs any more once they come back, and the next supervisor looks for them too. */
enum { PATIENCE_MS = 10000 };

/* Between two looks while /proc cannot be read: the first wait and the longest. */
enum { FIRST_WAIT_MS = 50, LONGEST_WAIT_MS = 1000 };

/* How long the settling may take. */
enum { SETTLE_S = 5 };

/* Raw, as the C library refuses the signals that it keeps to itself. */
static void ignore_signals(void) {
    const unsigned long action[4] = {(unsigned long)SIG_IGN};
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, action, NULL, 8ul);
    cl_restore_signals(0); /* nothing blocked: what is ignored must not queue up either */
}

/* Our own program, also if its file is replaced or deleted later. -1: /proc does not show it. */
static int open_own_program(void) { return open("/proc/self/exe", O_PATH | O_CLOEXEC); }

/* Returns our own program, where it is wanted. */
static int leave_terminal_and_files(int line, struct cl_locks locks, int wants_program) {
    /* First, so that there is a descriptor for what is opened here, also if all were in use. */
    const int kept[] = {line, locks.run, locks.payload};
    cl_close_all_but(kept, 3);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int stream = 0; stream < 3; stream++) {
        if (null >= 0) dup2(null, stream);
        else close(stream);
    }
    if (null > 2) close(null);
    int program = wants_program ? open_own_program() : -1;
    if (chdir("/") != 0) {} /* a file system in use is a nuisance, no more */
    return program;
}

static uintptr_t read_address(const char *text) {
    uintptr_t address = 0;
    for (; *text >= '0' && *text <= '9'; text++) address = address * 10 + (uintptr_t)(*text - '0');
    return address;
}

/* A guard of a supervisor that is itself a job is no part of that job: it has work to do when
   others clean up, and must not be found by the outer token in its inherited environment. */
static void forget_token(void) {
    static const char name[] = "SUPERVISE_TOKEN=";
    char text[2048];
    int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return;
    text[count] = 0;
    const char *at = strrchr(text, ')');
    /* From the state, field 3, on to env_start and env_end, fields 50 and 51. */
    for (int field = 2; at != NULL && field < 50; field++) {
        at = strchr(at, ' ');
        if (at != NULL) at++;
    }
    if (at == NULL) return;
    char *start = (char *)read_address(at);
    at = strchr(at, ' ');
    if (at == NULL) return;
    char *end = (char *)read_address(at + 1);
    while (start != NULL && start < end) {
        size_t length = strnlen(start, (size_t)(end - start));
        if (length >= sizeof name - 1 && memcmp(start, name, sizeof name - 1) == 0)
            memset(start, 0, length);
        start += length + 1;
    }
}

/* Without /proc there are still the group (Linux 6.9) and the leader. A number that no session has is not
   the leader's any more. */
static void kill_leader(const struct cl_guarded *attempt) {
    pid_t leader = attempt->leader;
    if (leader <= 0 || attempt->is_reaped) return;
    int pidfd = cl_pidfd_open(leader);
    if (pidfd < 0 && errno == ESRCH) return;
    if (getsid(leader) == leader
        && (pidfd < 0 || (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 4u) != 0
                          && cl_pidfd_send_signal(pidfd, SIGKILL) != 0))) {
        /* pidfds are refused here */
        kill(leader, SIGKILL);
        kill(-leader, SIGKILL);
    }
    if (pidfd >= 0) close(pidfd);
}

/* Another process that gets the leader's number from now on is not the leader. `*started` is 0 if it is gone.
   Returns 0, or -1 with errno if that cannot be known. */
static int leader_started(const struct cl_guarded *attempt, unsigned long long *started) {
    *started = 0;
    if (attempt->leader <= 0 || attempt->is_reaped) return 0;
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int result = cl_process_started(proc, attempt->leader, started), code = errno;
    close(proc);
    errno = code;
    return result < 0 ? -1 : 0;
}

/* Returns how many are left, or -1 with errno if that cannot be known. */
static int end_members(const struct cl_guarded *attempt, const struct cl_cgroup *group) {
    struct cl_tree tree = {
        .session = attempt->leader,
        .token = attempt->token,
        .group = group,
        .inherited = &attempt->inherited,
    };
    if (leader_started(attempt, &tree.session_started) != 0) return -1;
    return cl_tree_end(&tree, PATIENCE_MS, NULL, NULL);
}

static void end(
    const struct cl_guarded *attempt, const struct cl_cgroup *group, int had_proc) {
    if (attempt->leader <= 0 && attempt->token[0] == 0 && group == NULL) return;
    int left, waited_ms = 0, wait_ms = FIRST_WAIT_MS;
    while ((left = end_members(attempt, group)) < 0) {
        /* Nobody knows whether somebody is left, so the lock is kept until that is known. Where /proc never
           showed our processes it never will be. */
        if (!had_proc && cl_has_no_proc(errno) && waited_ms >= PATIENCE_MS) break;
        if (group != NULL) cl_cgroup_kill(group->directory);
        if (waited_ms == 0) kill_leader(attempt);
        poll(NULL, 0, wait_ms);
        if (waited_ms < PATIENCE_MS) waited_ms += wait_ms;
        wait_ms = 2 * wait_ms < LONGEST_WAIT_MS ? 2 * wait_ms : LONGEST_WAIT_MS;
    }
    /* The kernel takes the last ones out of it a moment after their end. */
    for (int round = 0; group != NULL && round < 100; round++) {
        if (cl_cgroup_remove(group->directory) == 0 || errno != EBUSY) break;
        poll(NULL, 0, 1);
    }
}

/* Executes our own program with the run's lock, to write down that the supervisor is gone. The kernel
   ends it after a while, so that a disk that hangs does not keep the lock. */
static void settle(int program, int lock, char *const *arguments) {
    if (program < 0 || lock < 0 || arguments == NULL) return;
    /* The lock gets the number CL_SETTLE_LOCK below. Either of these may have that number now, so
       both move to higher ones first. */
    program = fcntl(program, F_DUPFD_CLOEXEC, CL_SETTLE_LOCK + 1);
    lock = fcntl(lock, F_DUPFD_CLOEXEC, CL_SETTLE_LOCK + 1);
    if (program < 0 || lock < 0 || dup2(lock, CL_SETTLE_LOCK) < 0) return;
    const unsigned long action[4] = {(unsigned long)SIG_DFL};
    syscall(SYS_rt_sigaction, SIGALRM, action, NULL, 8ul);
    alarm(SETTLE_S);
    syscall(SYS_execveat, program, "", arguments, environ, AT_EMPTY_PATH);
}

/* For the next supervisor, behind our supervisor's pid in the lock's file: the record on the disk may not
   know of the newest attempt yet. */
static void note_number(int lock, int number) {
    char text[32];
    ssize_t count = lock < 0 || number <= 0 ? 0 : pread(lock, text, sizeof text, 0);
    const char *end = count > 0 ? memchr(text, '\n', (size_t)count) : NULL;
    if (end == NULL) return;
    char line[32];
    int length = snprintf(line, sizeof line, "attempt %d\n", number);
    if (pwrite(lock, line, (size_t)length, end + 1 - text) < 0) return;
}

static _Noreturn void guard(
    int line, struct cl_locks locks, const struct cl_cgroup *group,
    const struct cl_guarded *guarded, char *const *settling) {
    char nothing;
    int had_proc = cl_sees_processes();
    setsid();
    prctl(PR_SET_NAME, CL_GUARD_NAME, 0, 0, 0);
    ignore_signals();
    int program = leave_terminal_and_files(line, locks, settling != NULL);
    forget_token();
    cl_shed_mark();
    cl_reserve_forget();
    while (read(line, &nothing, 1) != 0 && errno == EINTR) {}
    if (!guarded->is_over) end(guarded, group, had_proc);
    note_number(locks.run, guarded->number);
    if (!guarded->is_over) settle(program, locks.run, settling);
    _exit(0);
}

/* Above the standard streams, which the guard points elsewhere. */
static int move_up(int descriptor) {
    if (descriptor < 0 || descriptor > 2) return descriptor;
    int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    int code = errno;
    close(descriptor);
    errno = code;
    return higher;
}

static int above_streams(int lock) {
    return lock >= 0 && lock < 3 ? fcntl(lock, F_DUPFD_CLOEXEC, 3) : lock;
}

pid_t cl_guard_start(
    struct cl_locks locks, const struct cl_cgroup *group, const struct cl_guarded *guarded,
    char *const *settling, int *line, int *pidfd) {
    int ends[2];
    unsigned long long mask;
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    ends[0] = move_up(ends[0]);
    ends[1] = move_up(ends[1]);
    pid_t pid = -1;
    int code = errno;
    if (ends[0] >= 0 && ends[1] >= 0) {
        cl_block_signals(&mask);
        pid = cl_fork_apart(pidfd);
        if (pid == 0) {
            const struct cl_locks held = {above_streams(locks.run), above_streams(locks.payload)};
            guard(ends[0], held, group, guarded, settling);
        }
        code = errno;
        cl_restore_signals(mask);
    }
    if (ends[0] >= 0) close(ends[0]);
    if (pid > 0) *line = ends[1];
    else if (ends[1] >= 0) close(ends[1]);
    errno = code;
    return pid;
}

struct cl_guarded *cl_guarded_create(void) {
    void *memory = mmap(
        NULL, sizeof(struct cl_guarded), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void cl_guarded_begin(struct cl_guarded *guarded, const char *token) {
    size_t length = strnlen(token, sizeof guarded->token - 1);
    /* Half a token is the beginning of those of others. So the first byte goes first and comes last. */
    __atomic_store_n(&guarded->token[0], 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&guarded->leader, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&guarded->is_reaped, 0, __ATOMIC_SEQ_CST);
    if (length == 0) return;
    memcpy(guarded->token + 1, token + 1, length - 1);
    guarded->token[length] = 0;
    __atomic_store_n(&guarded->token[0], token[0], __ATOMIC_SEQ_CST);
}
