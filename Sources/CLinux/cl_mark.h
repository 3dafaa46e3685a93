#ifndef CL_MARK_H
#define CL_MARK_H
/* The mark of a run: a number in the soft limit RLIMIT_LOCKS of its job. The kernel has ignored this limit
   since Linux 2.4.25. It is inherited by every child, survives exec, setsid, a change of user and an empty
   environment, and everybody may read it in /proc/PID/limits. */
#include <sys/types.h>

/* The mark of the run whose token begins so; 0 if it does not begin with 16 hexadecimal digits. For a child
   that shares our memory, too. */
unsigned long long cl_mark_of(const char *token);

/* Marks the calling process, unless its hard limit does not allow it. For a child that shares our memory. */
void cl_mark_self(unsigned long long mark);

/* Removes any mark of the calling process, which may have it from a supervisor around us. */
void cl_shed_mark(void);

/* The mark of the calling process, or any other number. */
unsigned long long cl_own_mark(void);

/* 1 if the process has this mark, else 0; -1 with errno if that cannot be known. */
int cl_has_mark(int proc, pid_t pid, unsigned long long mark);

#endif
