#ifndef CL_DESCENT_H
#define CL_DESCENT_H
#include "cl_process.h"
#include "cl_tree.h"

/* Reads our descendants but for `except` and `inherited` and what is below those: for a subreaper, whose
   descendants never leave it, this is its whole tree, and what else the machine runs costs nothing. Fills the
   table by ascending pid. Returns 0, NO_LIST (see cl_children.h), or -1 with errno: then nobody knows
   who is there. */
int cl_read_descent(const struct cl_tree *tree, int proc, struct cl_process_table *table);

#endif
