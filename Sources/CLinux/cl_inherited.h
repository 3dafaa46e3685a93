#ifndef CL_INHERITED_H
#define CL_INHERITED_H
#include "cl_tree.h"

/* Whether the list of inherited processes contains this process. */
int cl_is_listed(const struct cl_inherited *inherited, pid_t pid, unsigned long long started);

/* Whether this process started before the first process of the job. */
int cl_was_before(const struct cl_inherited *inherited, pid_t pid, unsigned long long started);

#endif
