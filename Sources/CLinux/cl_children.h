#ifndef CL_CHILDREN_H
#define CL_CHILDREN_H
#include "cl_process.h"
#include "cl_tree.h"

/* 1 where a child of ours is meant, else 0; -1 with errno where that cannot be known. */
typedef int (*cl_child_is_meant)(const struct cl_tree *tree, int proc, pid_t pid);

/* Whether one of our children is meant, as the kernel lists them; -1 with errno where that cannot be
   known. */
int cl_any_listed_child(int proc, const struct cl_tree *tree, cl_child_is_meant is_meant);

#endif
