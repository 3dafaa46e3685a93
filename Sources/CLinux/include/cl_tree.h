#ifndef CL_TREE_H
#define CL_TREE_H
#include "cl_cgroup.h"
#include <sys/types.h>

/* Which processes are meant: all that one of the rules names, and the descendants of all of these.
   Never meant are this process, its children (but for `root`) and its ancestors, `except` with
   their descendants, threads of the kernel, and processes that have ended. Guards of supervisors
   among them are waited for: they are signalled last, when only they are left or time is up. */
struct cl_tree {
    pid_t root;         /* its descendants; 0: nobody's */
    pid_t session;      /* those in the session or process group of this number; 0: in none */
    /* When its leader was started (ticks since the boot); 0: it is gone. Another process of that number
       is a stranger, who got it when nobody was left in the session. */
    unsigned long long session_started;
    const struct cl_cgroup *group; /* those in it or below; NULL: none */
    const char *token;  /* those born with a SUPERVISE_TOKEN that starts so; NULL or empty: none */
    const pid_t *except;
    int except_count;
};

/* Sends a signal to each of them, as one look at /proc finds them. Returns how many got it,
   or -1. */
int cl_tree_signal(const struct cl_tree *tree, int signal);

/* SIGSTOP to each of them, until nearly all stand still. Returns how many there are, or -1. */
int cl_tree_freeze(const struct cl_tree *tree);

/* Called for each process before it is killed; perhaps more than once for one. */
typedef void (*cl_tree_found)(pid_t pid, void *context);

/* Kills them, and waits until a look at /proc finds nobody, but no longer than `limit_ms`. Returns
   how many were left at the last look, or -1 with errno where /proc cannot be read. Ended children
   of ours are left to be reaped. Async-signal-safe with `found` NULL. */
int cl_tree_end(const struct cl_tree *tree, int limit_ms, cl_tree_found found, void *context);

/* Only finds them, and those in a control group that is called `group_name`, wherever that is. Returns how
   many there are, or -1 with errno where /proc cannot be read. */
int cl_tree_find(
    const struct cl_tree *tree, const char *group_name, cl_tree_found found, void *context);

/* Whether /proc is there and tells of our own PID namespace. */
int cl_sees_processes(void);

/* Whether this process has children apart from these; those that have ended may count or not, so
   reap first. -1 with errno where /proc cannot be read. */
int cl_has_children(const pid_t *except, int except_count);

#endif
