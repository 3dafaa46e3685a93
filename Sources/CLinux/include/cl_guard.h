#ifndef CL_GUARD_H
#define CL_GUARD_H
#include "cl_cgroup.h"
#include "cl_tree.h"
#include <sys/types.h>

/* The guard ends the job's whole tree when the supervisor is gone, however it went. */

/* What is to be ended, in memory that supervisor, guard and leader share: to tell the guard wakes nobody,
   and is done in an instant. The supervisor may be killed between any two steps of it. */
struct cl_guarded {
    char token[40]; /* of the attempt, with a zero byte at its end; empty: there is none */
    pid_t leader;   /* of the attempt's session, as it says itself; 0: there is none */
    int is_reaped;  /* the leader is, so that another process may get its number */
    int number;     /* of the newest attempt that was begun; 0: none was */
    int is_over;    /* the supervisor ends in good order: nothing is left to do */
    struct cl_inherited inherited; /* processes that do not belong to the job */
};

/* NULL with errno where there is no memory. It is given back with munmap(2). */
struct cl_guarded *cl_guarded_create(void);

/* From now on this attempt and no other; it has no leader yet. With an empty token there is none, which
   is to be told once the last one is gone to its last process. */
void cl_guarded_begin(struct cl_guarded *guarded, const char *token);

/* Descriptors of locks, -1 for none: of the run, and of the directory with its checkpoints, where that
   is elsewhere. */
struct cl_locks {
    int run, payload;
};

/* The descriptor of the run's lock in the program that the guard executes to settle the run. */
enum { CL_SETTLE_LOCK = 3 };

/* Forks the guard. It keeps the descriptors of the locks open, so that they are free only once the
   tree is gone too. With `group` (else NULL) all in that group belongs to the tree, and the
   group is removed at the end. With `settling` (else NULL), arguments with a NULL at their end, the guard
   then executes our own program with them, and with the run's lock. `line` is a pipe's end, closed on exec: the guard acts when every copy of
   it is closed. Returns its pid, or -1 with errno. */
pid_t cl_guard_start(
    struct cl_locks locks, const struct cl_cgroup *group, const struct cl_guarded *guarded,
    char *const *settling, int *line, int *pidfd);

#endif
