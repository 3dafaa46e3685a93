#ifndef CL_TREE_H
#define CL_TREE_H
#include "cl_cgroup.h"
#include "cl_wait.h"
#include <sys/types.h>

/* Which processes are meant: all that one of the rules names, and the descendants of all of these.
   This is the only definition of a job's tree: supervisor, guard, hang reports and the search for
   leftovers all use it.
   A token names those that were born with it, and those with the mark of its run (see cl_mark.h).
   Never meant are this process and its ancestors, `except` and `inherited` with their descendants,
   threads of the kernel, and processes that have ended. Guards of supervisors among them are waited
   for: they are signalled last, when only they are left or time is up.
   Without a root, as in the search for leftovers, the descendants of this process are never meant either if
   this process was itself born with the token, for then they may have it from us. Otherwise they are meant if
   they have the mark, or if they are children that were born with the token. */
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
    const struct cl_inherited *inherited; /* NULL: there are no inherited processes */
    /* Ended children of ours are reaped during a look, for a job that makes them faster than a look takes;
       NULL: they are not. */
    struct cl_reaper *reaper;
    /* How long a look at descendants may take, in milliseconds; 0: as long as it takes. At the end of its
       time it has those that it has met by then. */
    int limit_ms;
};

/* One process: its number, and when it was started (ticks since the boot). */
struct cl_started {
    pid_t pid;
    unsigned long long ticks;
};

enum { CL_INHERITED = 4096 };

/* Takes children that have ended: those that nobody waits for are dropped. */
struct cl_reaper {
    const pid_t *awaited; /* whose status somebody waits for */
    int awaited_count;
    pid_t leader;   /* is awaited, too; 0: there is none */
    int *is_reaped; /* set to 1 at once when the leader is taken */
    /* The awaited ones that were taken; there is room for all of them and the leader. */
    struct cl_ended *ended;
    int count;
};

/* Takes at most `limit` children that have ended. Returns how many were taken. */
int cl_reap_batch(struct cl_reaper *reaper, int limit);

/* The processes that were there before the job's first one, and so are not the job's: what a shell
   leaves to us by `exec`. Supervisor and guard share it. */
struct cl_inherited {
    /* Processes that started before this clock tick are inherited; 0: the list is not taken yet. */
    unsigned long long since;
    int is_somebody; /* we had children when the list was taken, also where /proc hides them */
    /* Our descendants at that time: all children, and deeper ones that started in the same tick. */
    int count;
    struct cl_started listed[CL_INHERITED];
};

/* Lists our present descendants: to be called just before the job's first process is started. Returns 0,
   or -1 with errno where that cannot be told for lack of descriptors or memory: call it again. Where
   /proc does not show our processes nobody is listed. */
int cl_inherited_take(struct cl_inherited *inherited);

/* What became of a signal to a tree. */
struct cl_sent {
    int count;    /* processes that got it */
    int refused;  /* errno of the last one that could not be signalled; 0: there is none */
    pid_t refuser; /* that one's number */
};

/* Sends a signal to each of them, as a look at /proc finds them. Returns how many got it, or -1
   with errno where /proc cannot be read. `sent` may be NULL. */
int cl_tree_signal(const struct cl_tree *tree, int signal, struct cl_sent *sent);

/* SIGSTOP to each of them, until all stand still, or some come and go too fast for that. Returns how many were
   not stopped yet at the last look, or -1 with errno where /proc cannot be read. */
int cl_tree_freeze(const struct cl_tree *tree);

/* Called for each process before it is killed; perhaps more than once for one. */
typedef void (*cl_tree_found)(pid_t pid, void *context);

/* Kills them, and waits until a look at /proc finds nobody, but no longer than `limit_ms`. Returns
   how many were left at the last look, or -1 with errno as soon as /proc cannot be read: then nobody knows
   whether somebody is left, and the caller calls again.
   Ended children of ours are left to be reaped. Async-signal-safe with `found` NULL. */
int cl_tree_end(const struct cl_tree *tree, int limit_ms, cl_tree_found found, void *context);

/* Only finds them, and those in a control group that is called `group_name`, wherever that is (NULL:
   no such group). Returns how many there are, or -1 with errno where /proc cannot be read. */
int cl_tree_find(
    const struct cl_tree *tree, const char *group_name, cl_tree_found found, void *context);

/* Whether /proc is there and tells of our own PID namespace. */
int cl_sees_processes(void);

/* Whether this process was born with a token that starts so, or has the mark of it. */
int cl_bears_token(const char *token);

/* Holds some descriptors in reserve for looks at processes, now and after each look. */
void cl_tree_reserve(void);

/* Whether a child of this process belongs to the tree, whose root it is; those that have ended may
   count or not, so reap first. -1 with errno where /proc cannot be read. */
int cl_tree_has_children(const struct cl_tree *tree);

#endif
