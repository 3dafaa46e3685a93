#ifndef CL_RESERVE_H
#define CL_RESERVE_H
/* Descriptors held in reserve for looking at processes: a job that uses up all of ours, as by connections,
   must not blind us. Any thread may call these. */
#include <sys/types.h>

/* openat(2) that gives up the reserve if no descriptor is free. */
int cl_open_reserved(int directory, const char *path, int flags);

/* From now on this process has a reserve. */
void cl_reserve_want(void);

/* Holds the reserve again, if it is wanted and as far as descriptors are free. */
void cl_reserve_fill(void);

/* In a forked child whose descriptors were closed: the reserve is the parent's. */
void cl_reserve_forget(void);

#endif
