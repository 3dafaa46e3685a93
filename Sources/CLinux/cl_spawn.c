#include "cl_spawn.h"
#include "cl_child.h"
#include "cl_mark.h"
#include "cl_raw.h"
#include "clinux.h"
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

/* The child shares our memory until its exec, beside us and on a stack of its own (CLONE_VM, clone(2)).
   A fork copies the page tables, and then each page that one of us writes to: a restart takes 0.4 ms
   longer, two thirds of its time. vfork stops the parent until the exec, which may hang on a network file
   system. So the child calls no function of the C library, and everything that it needs was allocated
   before and stays until its end of the report pipe is closed. */

static _Noreturn CL_BARE void leave(int status) {
    for (;;) cl_raw1(SYS_exit_group, status);
}

static _Noreturn CL_BARE void fail(int report, int stage, long code, int candidate) {
    const struct cl_spawn_report message = {stage, (int)code, candidate};
    while (cl_raw3(SYS_write, report, &message, sizeof message) == -EINTR) {}
    leave(127);
}

static CL_BARE long open_file(const char *path, int flags) {
    return cl_raw4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

/* Makes descriptor `target` what `source` is, not closed on exec. */
static CL_BARE long place(int source, int target) {
    if (source != target) return cl_raw3(SYS_dup3, source, target, 0);
    long flags = cl_raw3(SYS_fcntl, source, F_GETFD, 0);
    return flags < 0 ? flags : cl_raw3(SYS_fcntl, source, F_SETFD, flags & ~FD_CLOEXEC);
}

static CL_BARE void set_streams(const struct cl_spawn_request *request, int report) {
    long sources[3];
    /* First out of the way of the targets, or placing one would overwrite the next one's source. */
    for (int target = 0; target < 3; target++) {
        long source = request->streams[target];
        if (source == CL_STREAM_NULL) source = open_file("/dev/null", O_RDWR);
        else if (source == CL_STREAM_INHERIT) { sources[target] = -1; continue; }
        if (source >= 0 && source < 3 && source != target)
            source = cl_raw3(SYS_fcntl, source, F_DUPFD_CLOEXEC, 3);
        if (source < 0) fail(report, CL_SPAWN_STREAM, -source, 0);
        sources[target] = source;
    }
    for (int target = 0; target < 3; target++) {
        long result = sources[target] >= 0 ? place((int)sources[target], target) : 0;
        if (result < 0) fail(report, CL_SPAWN_STREAM, -result, 0);
    }
}

/* What keeps looking further along PATH, as execvp has it. */
static CL_BARE bool is_absent(long code) {
    return code == ENOENT || code == ENOTDIR || code == ENODEV || code == ESTALE
        || code == ETIMEDOUT;
}

static CL_BARE bool is_directory(const char *path) {
    long file = open_file(path, O_PATH | O_DIRECTORY);
    if (file >= 0) cl_raw1(SYS_close, file);
    return file >= 0;
}

/* Whether a file that the kernel cannot execute is no script either, such as a program for another
   machine: a shell would only complain about its syntax. */
static CL_BARE bool is_binary(const char *path) {
    char start[128];
    long file = open_file(path, O_RDONLY);
    long count = file < 0 ? 0 : cl_raw3(SYS_read, file, start, sizeof start);
    if (file >= 0) cl_raw1(SYS_close, file);
    for (long at = 0; at < count && start[at] != '\n'; at++)
        if (start[at] == 0) return true;
    return false;
}

static _Noreturn CL_BARE void execute(const struct cl_spawn_request *request, int report) {
    int stage = CL_SPAWN_EXEC, about = 0;
    long code = ENOENT;
    for (int index = 0; request->candidates[index] != NULL; index++) {
        const char *path = request->candidates[index];
        long why = -cl_raw3(SYS_execve, path, request->arguments, request->environment);
        if (why == ENOEXEC && !is_binary(path)) {
            request->shell_arguments[0] = "/bin/sh";
            request->shell_arguments[1] = path;
            cl_raw3(SYS_execve, "/bin/sh", request->shell_arguments, request->environment);
        }
        if (why == EACCES && request->searched && is_directory(path)) continue;
        if (why == ENOENT && cl_raw3(SYS_faccessat, AT_FDCWD, path, F_OK) == 0) {
            stage = CL_SPAWN_INTERPRETER;
            code = ENOENT;
            about = index;
        } else if (why == EACCES) {
            stage = CL_SPAWN_EXEC;
            code = EACCES;
            about = index;
        } else if (!is_absent(why) || !request->searched) {
            fail(report, CL_SPAWN_EXEC, why, index);
        }
    }
    fail(report, stage, code, about);
}

static CL_BARE void end_with(pid_t parent) {
    cl_raw5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    /* The parent may have died before that call, and then nobody would ever send the signal. */
    if (cl_raw0(SYS_getppid) != parent) leave(127);
}

/* The soft limit that our caller had; -1: we have not raised it. */
static long long callers_files = -1;

int cl_raise_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    if (limit.rlim_cur == limit.rlim_max) return 0;
    long long before = (long long)limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    callers_files = before;
    return 0;
}

/* Programs that use select(2) fail with more descriptors than their users gave them. */
static CL_BARE void lower_files(void) {
    unsigned long long pair[2];
    if (callers_files < 0) return;
    if (cl_raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, pair) != 0) return;
    pair[0] = (unsigned long long)callers_files < pair[1] ? (unsigned long long)callers_files : pair[1];
    cl_raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, pair, NULL);
}

/* Whether the job is to have a limit of its own in the place of the mark. */
static CL_BARE bool limits_locks(const struct cl_spawn_request *request) {
    for (int index = 0; index < request->limit_count; index++)
        if (request->limits[index].resource == RLIMIT_LOCKS) return true;
    return false;
}

/* What only our own privileges may be enough for: before they are given up. */
static CL_BARE void set_limits(const struct cl_spawn_request *request, int report) {
    lower_files();
    for (int index = 0; index < request->limit_count; index++) {
        const struct cl_spawn_limit *limit = &request->limits[index];
        const unsigned long long pair[2] = {limit->soft, limit->hard};
        long result = cl_raw4(SYS_prlimit64, 0, limit->resource, pair, NULL);
        if (result != 0) fail(report, CL_SPAWN_LIMIT, -result, index);
    }
    /* Of a run whose token is none, there is no mark. */
    unsigned long long mark = request->guarded == NULL ? 0 : cl_mark_of(request->guarded->token);
    if (mark != 0 && !limits_locks(request)) cl_mark_self(mark);
    if (!request->sets_niceness) return;
    long result = cl_raw3(SYS_setpriority, PRIO_PROCESS, 0, request->niceness);
    if (result != 0) fail(report, CL_SPAWN_NICENESS, -result, 0);
}

static CL_BARE void change_identity(const struct cl_spawn_request *request, int report) {
    const struct cl_spawn_identity *to = request->identity;
    if (to == NULL) return;
    long result = cl_raw2(SYS_setgroups, to->group_count, to->groups);
    if (result == 0) result = cl_raw3(SYS_setresgid, to->group, to->group, to->group);
    if (result == 0) result = cl_raw3(SYS_setresuid, to->user, to->user, to->user);
    if (result != 0) fail(report, CL_SPAWN_IDENTITY, -result, 0);
}

static _Noreturn CL_BARE void end_rehearsal(const struct cl_spawn_request *request, int report) {
    for (int index = 0; request->reach[index] != NULL; index++) {
        long result = cl_raw3(SYS_faccessat, AT_FDCWD, request->reach[index], X_OK);
        if (result != 0) fail(report, CL_SPAWN_REACH, -result, index);
    }
    leave(0);
}

static _Noreturn CL_BARE void become(
    const struct cl_spawn_request *request, int report, pid_t parent) {
    if (request->guarded != NULL)
        __atomic_store_n(&request->guarded->leader, (pid_t)cl_raw0(SYS_getpid), __ATOMIC_SEQ_CST);
    cl_raw0(SYS_setsid); /* cannot fail in a fresh child */
    end_with(parent);
    if (request->terminal >= 0) {
        long result = cl_raw3(SYS_ioctl, request->terminal, TIOCSCTTY, 0);
        if (result != 0) fail(report, CL_SPAWN_STREAM, -result, 0);
    }
    set_streams(request, report);
    /* Now and not at the exec, which may hang: until then the child would hold our sockets and
       pipes. */
    if (request->close_others) cl_close_all_but(&report, 1);
    set_limits(request, report);
    if (request->mask >= 0) cl_raw1(SYS_umask, request->mask);
    change_identity(request, report);
    /* Who becomes somebody else loses that. */
    if (request->identity != NULL) end_with(parent);
    if (request->directory != NULL) {
        long result = cl_raw1(SYS_chdir, request->directory);
        if (result != 0) fail(report, CL_SPAWN_DIRECTORY, -result, 0);
    }
    if (request->own_pid != NULL)
        *cl_write_number(request->own_pid, (unsigned long)cl_raw0(SYS_getpid)) = 0;
    cl_default_signals();
    cl_restore_signals(0);
    if (request->reach != NULL) end_rehearsal(request, report);
    execute(request, report);
}

/* What a child that shares our memory is given, at the end of its stack. */
struct call {
    const struct cl_spawn_request *request;
    int report;
    pid_t parent;
};

static CL_BARE int begin(void *argument) {
    const struct call *call = argument;
    become(call->request, call->report, call->parent);
}

/* Whoever becomes another user has to have a memory of its own: the kernel then takes ours for that
   of somebody whose secrets it may hold. And into a group only the raw call leads, which needs a
   stack that returns. */
static bool may_share(const struct cl_spawn_request *request) {
    return request->group < 0 && request->identity == NULL && request->reach == NULL
        && request->stack != NULL;
}

pid_t cl_spawn(const struct cl_spawn_request *request, int report, int *pidfd, int *shares) {
    pid_t parent = getpid(), pid = -1;
    unsigned long long mask;
    /* A handler of ours must not run in the child. */
    cl_block_signals(&mask);
    *shares = may_share(request);
    *pidfd = -1;
    if (*shares) {
        struct call *call = (struct call *)(request->stack + CL_SPAWN_STACK) - 1;
        *call = (struct call){request, report, parent};
        pid = clone(begin, (void *)((uintptr_t)call & ~(uintptr_t)15),
            CLONE_VM | CLONE_PIDFD | SIGCHLD, call, pidfd);
        /* A sandbox may know processes and threads, and nothing between. */
        if (pid < 0) *shares = 0;
    }
    if (!*shares) {
        int joined;
        pid = cl_fork_into(request->group, pidfd, &joined);
        if (pid == 0) {
            /* In ours it runs just as well. */
            if (!joined && request->group >= 0) cl_cgroup_join(request->group);
            become(request, report, parent);
        }
    }
    int code = errno;
    cl_restore_signals(mask);
    errno = code;
    return pid;
}
