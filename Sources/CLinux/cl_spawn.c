#include "cl_spawn.h"
#include "cl_child.h"
#include "clinux.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

/* A real fork, not vfork: an exec from a network file system that hangs must not stop the
   supervisor, and vfork's parent waits for it. Everything the child needs was allocated before. */

static _Noreturn void fail(int report, int stage, int code, int candidate) {
    const struct cl_spawn_report message = {stage, code, candidate};
    while (write(report, &message, sizeof message) < 0 && errno == EINTR) {}
    _exit(127);
}

static bool set_streams(const struct cl_spawn_request *request) {
    int sources[3];
    /* First out of the way of the targets, or placing one would overwrite the next one's source. */
    for (int target = 0; target < 3; target++) {
        int source = request->streams[target];
        if (source == CL_STREAM_NULL) source = open("/dev/null", O_RDWR | O_CLOEXEC);
        else if (source == CL_STREAM_INHERIT) { sources[target] = -1; continue; }
        if (source >= 0 && source < 3 && source != target)
            source = fcntl(source, F_DUPFD_CLOEXEC, 3);
        if (source < 0) return false;
        sources[target] = source;
    }
    for (int target = 0; target < 3; target++) {
        if (sources[target] >= 0 && cl_place(sources[target], target) < 0) return false;
    }
    return true;
}

/* What keeps looking further along PATH, as execvp has it. */
static bool is_absent(int code) {
    return code == ENOENT || code == ENOTDIR || code == ENODEV || code == ESTALE
        || code == ETIMEDOUT;
}

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Whether a file that the kernel cannot execute is no script either, such as a program for another
   machine: a shell would only complain about its syntax. */
static bool is_binary(const char *path) {
    char start[128];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = file < 0 ? 0 : read(file, start, sizeof start);
    if (file >= 0) close(file);
    for (ssize_t at = 0; at < count && start[at] != '\n'; at++)
        if (start[at] == 0) return true;
    return false;
}

static _Noreturn void execute(const struct cl_spawn_request *request, int report) {
    int stage = CL_SPAWN_EXEC, code = ENOENT, about = 0;
    for (int index = 0; request->candidates[index] != NULL; index++) {
        const char *path = request->candidates[index];
        execve(path, request->arguments, request->environment);
        int why = errno;
        if (why == ENOEXEC && !is_binary(path)) {
            request->shell_arguments[1] = (char *)path;
            execve("/bin/sh", request->shell_arguments, request->environment);
        }
        if (why == EACCES && request->searched && is_directory(path)) continue;
        if (why == ENOENT && faccessat(AT_FDCWD, path, F_OK, 0) == 0) {
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

static void end_with(pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    /* The parent may have died before that call, and then nobody would ever send the signal. */
    if (getppid() != parent) _exit(127);
}

/* What only our own privileges may be enough for: before they are given up. */
static void set_limits(const struct cl_spawn_request *request, int report) {
    for (int index = 0; index < request->limit_count; index++) {
        const struct cl_spawn_limit *limit = &request->limits[index];
        const unsigned long long pair[2] = {limit->soft, limit->hard};
        if (syscall(SYS_prlimit64, 0, limit->resource, pair, NULL) != 0)
            fail(report, CL_SPAWN_LIMIT, errno, index);
    }
    if (request->sets_niceness && setpriority(PRIO_PROCESS, 0, request->niceness) != 0)
        fail(report, CL_SPAWN_NICENESS, errno, 0);
}

/* Raw, as the C library would have all threads follow, which are our parent's and not here. */
static void change_identity(const struct cl_spawn_request *request, int report) {
    const struct cl_spawn_identity *to = request->identity;
    if (to == NULL) return;
    if (syscall(SYS_setgroups, (size_t)to->group_count, to->groups) != 0
        || syscall(SYS_setresgid, to->group, to->group, to->group) != 0
        || syscall(SYS_setresuid, to->user, to->user, to->user) != 0)
        fail(report, CL_SPAWN_IDENTITY, errno, 0);
}

static _Noreturn void end_rehearsal(const struct cl_spawn_request *request, int report) {
    for (int index = 0; request->reach[index] != NULL; index++)
        if (faccessat(AT_FDCWD, request->reach[index], X_OK, 0) != 0)
            fail(report, CL_SPAWN_REACH, errno, index);
    _exit(0);
}

static _Noreturn void become(const struct cl_spawn_request *request, int report, pid_t parent) {
    setsid(); /* cannot fail in a fresh child */
    end_with(parent);
    if (request->terminal >= 0 && ioctl(request->terminal, TIOCSCTTY, 0) != 0)
        fail(report, CL_SPAWN_STREAM, errno, 0);
    if (!set_streams(request)) fail(report, CL_SPAWN_STREAM, errno, 0);
    /* Now and not at the exec, which may hang: until then the child would hold our sockets and
       pipes. */
    if (request->close_others) cl_close_all_but(report, report);
    set_limits(request, report);
    if (request->mask >= 0) umask((mode_t)request->mask);
    change_identity(request, report);
    /* Who becomes somebody else loses that. */
    if (request->identity != NULL) end_with(parent);
    if (request->directory != NULL && chdir(request->directory) != 0)
        fail(report, CL_SPAWN_DIRECTORY, errno, 0);
    cl_default_signals();
    cl_restore_signals(0);
    if (request->reach != NULL) end_rehearsal(request, report);
    execute(request, report);
}

pid_t cl_spawn(const struct cl_spawn_request *request, int report, int *pidfd) {
    pid_t parent = getpid();
    unsigned long long mask;
    /* A handler of ours must not run in the child. */
    cl_block_signals(&mask);
    int joined;
    pid_t pid = cl_fork_into(request->group, pidfd, &joined);
    if (pid == 0) {
        /* In ours it runs just as well. */
        if (!joined && request->group >= 0) cl_cgroup_join(request->group);
        become(request, report, parent);
    }
    int code = errno;
    cl_restore_signals(mask);
    errno = code;
    return pid;
}
