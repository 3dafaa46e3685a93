#include "clinux.h"

#include <sys/statfs.h>
#include <sys/statvfs.h>

static uint64_t product(uint64_t count, uint64_t size) {
    uint64_t result;
    return __builtin_mul_overflow(count, size, &result) ? UINT64_MAX : result;
}

int cl_mount_of(const char *path, struct cl_mount *mount) {
    struct statfs found;
    if (statfs(path, &found) != 0) return -1;
    uint64_t block = (uint64_t)(found.f_frsize > 0 ? found.f_frsize : found.f_bsize);
    /* Unsigned on the way: the magic of some is negative where the field has 32 bits. */
    mount->magic = (int64_t)((uint64_t)found.f_type & 0xffffffffu);
    mount->size = product(found.f_blocks, block);
    mount->free = product(found.f_bavail, block);
    mount->files = found.f_files;
    mount->free_files = found.f_ffree;
    mount->read_only = (found.f_flags & ST_RDONLY) != 0;
    return 0;
}
