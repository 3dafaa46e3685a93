#ifndef CL_LOOK_H
#define CL_LOOK_H
/* Which processes belong to a tree: the definition of cl_tree.h, for one look at /proc. */
#include "cl_process.h"
#include "cl_tree.h"
#include <stdbool.h>

/* What a look makes of a process. Those below a SPARED one are spared, those below a SPARED_ALONE one not. */
enum cl_mark { UNMARKED, MEMBER, SPARED, SPARED_ALONE };

/* Reads all processes, or where the tree is a descent only our descendants, and marks the members. A process
   that was one in the look before still is, even if its parent, and with it the trace, has gone meanwhile;
   `before` may be NULL. Returns their number, or -1 with errno: then nobody knows. */
int cl_look(
    const struct cl_tree *tree, int proc, struct cl_process_table *table,
    const struct cl_process_table *before);

/* Whether nothing but descent from us makes a member. */
bool cl_is_descent(const struct cl_tree *tree);

/* Whether the number of the tree's session is still that of its session. */
bool cl_has_session(const struct cl_tree *tree, const struct cl_process_table *table);

/* Whether a process that was read after the look belongs to the tree. 1 or 0; -1 with errno. */
int cl_is_meant(
    const struct cl_tree *tree, int proc, const struct cl_process_table *table, bool session,
    const struct cl_process *process);

/* Whether a child of the root is neither a helper nor inherited. */
bool cl_is_own_child(const struct cl_tree *tree, pid_t pid, unsigned long long started);

/* Reaps some children of ours that have ended, if the tree says so. */
void cl_reap_meanwhile(const void *tree);

#endif
