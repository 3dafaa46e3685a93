#ifndef CL_INHERITED_H
#define CL_INHERITED_H
#include "cl_tree.h"

/* Whether this process was a descendant of ours when the list was taken. */
int cl_is_listed(const struct cl_inherited *inherited, pid_t pid, unsigned long long started);

/* Whether this process was there before the job's first one. */
int cl_was_before(const struct cl_inherited *inherited, pid_t pid, unsigned long long started);

#endif
