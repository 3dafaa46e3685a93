#ifndef CL_CHILDREN_H
#define CL_CHILDREN_H
#include "cl_process.h"
#include "cl_tree.h"

/* What a look at the lists of children gives, beside 0 and 1: with errno, nobody can tell; the process or a
   thread of it has ended meanwhile; the kernel keeps no such lists. */
enum { UNKNOWN = -1, NO_THREAD = -2, NO_LIST = -3 };

/* Called for a child: 1 ends the look, 0 goes on; UNKNOWN with errno goes on, too. */
typedef int (*cl_visit_child)(void *context, pid_t pid);

/* Calls `visit` for each child of a process, as the kernel lists them, also those that have ended and are
   not reaped. */
int cl_visit_children(int proc, pid_t parent, cl_visit_child visit, void *context);

/* 1 where a child of ours is meant, else 0; -1 with errno where that cannot be known. */
typedef int (*cl_child_is_meant)(const struct cl_tree *tree, int proc, pid_t pid);

/* Whether one of our children is meant, as the kernel lists them; -1 with errno where that cannot be
   known. */
int cl_any_listed_child(int proc, const struct cl_tree *tree, cl_child_is_meant is_meant);

#endif
