#ifndef CL_SPAWN_H
#define CL_SPAWN_H
#include <sys/types.h>

/* A stream of the child: a descriptor of ours, or one of these. */
enum { CL_STREAM_INHERIT = -1, CL_STREAM_NULL = -2 };

struct cl_spawn_request {
    /* Paths to execute, tried in order, NULL at the end; with `searched` they come from PATH. */
    const char *const *candidates;
    int searched;
    char *const *arguments;
    /* For a script without #!, as shells do it: /bin/sh, a free place for its path, the other
       arguments. */
    char **shell_arguments;
    char *const *environment;
    const char *directory; /* NULL: ours */
    int streams[3];
    int group; /* directory of the control group to be born in; -1: ours */
    int close_others; /* every descriptor from 3 on, whether it is closed on exec or not */
};

/* Where the child failed. */
enum cl_spawn_stage {
    CL_SPAWN_STREAM = 1,
    CL_SPAWN_DIRECTORY,
    CL_SPAWN_EXEC,
    CL_SPAWN_INTERPRETER, /* the file is there, but what its #! names is not */
};

/* What the child writes to the report pipe where it fails; nothing but an end of file otherwise. */
struct cl_spawn_report {
    int stage;
    int code;      /* errno */
    int candidate; /* index of the path that it is about */
};

/* Starts a child in a session of its own, killed when the thread that calls this ends, with default
   signals and nothing blocked. Returns its pid, or -1 and errno. `report` is closed on exec and 3
   or more. */
pid_t cl_spawn(const struct cl_spawn_request *request, int report, int *pidfd);

#endif
