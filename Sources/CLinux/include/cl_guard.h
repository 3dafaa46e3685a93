#ifndef CL_GUARD_H
#define CL_GUARD_H
#include "cl_cgroup.h"
#include <sys/types.h>

/* The guard ends the job's whole tree when the supervisor is gone, however it went. */

enum cl_guard_kind {
    CL_GUARD_WATCH = 1, /* from now on this attempt, and no other */
    CL_GUARD_RELEASE,   /* the supervisor ends in good order: nothing is left to do */
};

struct cl_guard_message {
    int kind;
    pid_t leader;   /* of the attempt's session; 0: there is none */
    char token[40]; /* of the attempt, with a zero byte at its end; empty: there is none */
};

/* Forks the guard. It keeps the descriptor `lock` open (-1: none), so that the lock is free only
   once the tree is gone too. With `group` (else NULL) all in that group belongs to the tree, and the
   group is removed at the end. `messages` is the socket of cl_guard_message that it is told with,
   closed on exec; it acts when every copy of it is closed. Returns its pid, or -1 with errno. */
pid_t cl_guard_start(int lock, const struct cl_cgroup *group, int *messages, int *pidfd);

/* Returns 0, or -1 with errno: EPIPE where the guard is gone, EAGAIN where it does not listen. */
int cl_guard_tell(int messages, const struct cl_guard_message *message);

#endif
