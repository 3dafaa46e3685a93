#ifndef CL_MOUNT_H
#define CL_MOUNT_H
/* What a path is mounted from: the C library's own struct has names that differ between systems. */
#include <stdint.h>

struct cl_mount {
    /* The kernel's number for the kind of file system (statfs(2), linux/magic.h). */
    int64_t magic;
    /* Bytes: of all, and what an ordinary user may still write. */
    uint64_t size;
    uint64_t free;
    /* How many files it has room for, and still has; 0 and 0 where it does not count them. */
    uint64_t files;
    uint64_t free_files;
    int read_only;
};

int cl_mount_of(const char *path, struct cl_mount *mount);

#endif
