#ifndef CL_IDENTITY_H
#define CL_IDENTITY_H
/* Touching files as another user, in this thread alone: raw calls, as the C library would change all
   threads. Root keeps its other powers meanwhile. */
#include "cl_calls.h"
#include <stdlib.h>
#include <sys/fsuid.h>

/* Returns 0, or -1 where that is not possible; then nothing has changed. */
static inline int cl_act_as(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (syscall(SYS_setgroups, count, groups) != 0) return -1;
    setfsgid(group);
    setfsuid(user);
    /* They tell of an error only by what holds when they are asked again. */
    return (uid_t)setfsuid((uid_t)-1) == user && (gid_t)setfsgid((gid_t)-1) == group ? 0 : -1;
}

/* Going on as somebody else than was meant would be worse than an end. */
static inline void cl_act_as_ourselves(const gid_t *groups, size_t count) {
    setfsuid(geteuid());
    setfsgid(getegid());
    if (syscall(SYS_setgroups, count, groups) != 0
        || (uid_t)setfsuid((uid_t)-1) != geteuid() || (gid_t)setfsgid((gid_t)-1) != getegid())
        abort();
}

#endif
