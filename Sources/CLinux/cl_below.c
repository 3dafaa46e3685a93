/* Paths that are followed from a directory that we hold, so that nobody who may rename what is above
   it, or put a link below it, leads us elsewhere. */
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(CL_O_PATH == O_PATH, "the header says it for Swift");

static const int always = O_CLOEXEC | O_NOFOLLOW;

static void close_keeping_error(int file) {
    int code = errno;
    close(file);
    errno = code;
}

int cl_open_below_by_names(int directory, const char *path, int flags, mode_t mode) {
    int here = directory;
    for (;;) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        const char *rest = path + length + strspn(path + length, "/");
        char name[NAME_MAX + 1];
        int next = -1;
        bool is_last = *rest == 0;
        if (length > NAME_MAX) {
            errno = ENAMETOOLONG;
        } else if (length == 2 && path[0] == '.' && path[1] == '.') {
            errno = EXDEV;
        } else {
            memcpy(name, path, length);
            name[length] = 0;
            int how = is_last ? flags | always : O_PATH | O_DIRECTORY | always;
            next = openat(here, length > 0 ? name : ".", how, mode);
        }
        if (here != directory) close_keeping_error(here);
        if (next < 0 || is_last) return next;
        here = next;
        path = rest;
    }
}

int cl_open_below(int directory, const char *path, int flags, mode_t mode) {
    struct open_how how = {
        .flags = (unsigned int)(flags | always),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long file = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (file >= 0) return (int)file;
    /* An older kernel, or a sandbox; and EAGAIN where somebody renames meanwhile. */
    if (errno != ENOSYS && errno != EPERM && errno != EAGAIN) return -1;
    return cl_open_below_by_names(directory, path, flags, mode);
}
