#ifndef CL_SPAWN_H
#define CL_SPAWN_H
#include "cl_guard.h"
#include <sys/resource.h>
#include <sys/types.h>

/* A stream of the child: a descriptor of ours, or one of these. */
enum { CL_STREAM_INHERIT = -1, CL_STREAM_NULL = -2 };

/* A limit of setrlimit(2), by the kernel's number. */
struct cl_spawn_limit {
    int resource;
    unsigned long long soft, hard; /* all bits set: unlimited */
};

/* The kernel's numbers that the names of ours stand for. */
_Static_assert(
    RLIMIT_CPU == 0 && RLIMIT_CORE == 4 && RLIMIT_NPROC == 6 && RLIMIT_NOFILE == 7
        && RLIMIT_MEMLOCK == 8 && RLIMIT_AS == 9 && RLIMIT_LOCKS == 10,
    "limits have other numbers on some machines, which we do not support");

/* Who a child becomes. */
struct cl_spawn_identity {
    uid_t user;
    gid_t group;
    const gid_t *groups; /* the supplementary ones */
    int group_count;
};

struct cl_spawn_request {
    /* Paths to execute, tried in order, NULL at the end; with `searched` they come from PATH. */
    const char *const *candidates;
    int searched;
    char *const *arguments;
    /* For a script without #!, as shells do it: two places for the child to fill, and the arguments
       from the second on. */
    const char **shell_arguments;
    char *const *environment;
    const char *directory; /* NULL: ours */
    int streams[3];
    int group; /* directory of the control group to be born in; -1: ours */
    int terminal; /* becomes the controlling terminal of the child's session; -1: it has none */
    int close_others; /* every descriptor from 3 on, whether it is closed on exec or not */
    int mask;         /* of new files' modes (umask); -1: ours */
    int sets_niceness;
    int niceness; /* as setpriority(2) has it, not in addition to ours */
    const struct cl_spawn_limit *limits;
    int limit_count;
    const struct cl_spawn_identity *identity; /* NULL: ours */
    /* Not NULL: a rehearsal. Everything is done but the exec, then these paths, NULL at the end, are
       looked at: whoever the child is must be able to pass through each. It exits with 0. */
    const char *const *reach;
    /* Where the child writes its own pid, in decimal and with a zero byte at its end: a part of its
       environment, of CL_SPAWN_PID bytes; NULL: nowhere. */
    char *own_pid;
    struct cl_guarded *guarded; /* what the child leads from its first moment on; NULL: nothing */
    /* Memory of CL_SPAWN_STACK bytes, aligned to 16, for a child that shares ours; NULL: none does. */
    char *stack;
};

enum { CL_SPAWN_STACK = 16384, CL_SPAWN_PID = 12 };

/* Where the child failed. */
enum cl_spawn_stage {
    CL_SPAWN_STREAM = 1,
    CL_SPAWN_DIRECTORY,
    CL_SPAWN_EXEC,
    CL_SPAWN_INTERPRETER, /* the file is there, but what its #! names is not */
    CL_SPAWN_LIMIT,       /* `candidate` is its index */
    CL_SPAWN_NICENESS,
    CL_SPAWN_IDENTITY,
    CL_SPAWN_REACH, /* `candidate` is the path's index */
};

/* What the child writes to the report pipe where it fails; nothing but an end of file otherwise. */
struct cl_spawn_report {
    int stage;
    int code;      /* errno */
    int candidate; /* index of the path that it is about */
};

/* Raises our own soft limit of open files to the hard one. Every child that is started from now on
   has the one that we had before. 0, or -1 with errno. */
int cl_raise_files(void);

/* Starts a child in a session of its own, killed when the thread that calls this ends, with default
   signals and nothing blocked. Returns its pid, or -1 and errno. `report` is closed on exec and 3
   or more. `*shares` tells whether the child shares our memory: then all of the request has to stay
   as it is until the other end of `report` is closed. */
pid_t cl_spawn(const struct cl_spawn_request *request, int report, int *pidfd, int *shares);

#endif
