#include "cl_cgroup.h"
#include "cl_child.h"
#include "clinux.h"
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

/* Opens a file of a group. Async-signal-safe. */
static int open_file(const char *directory, const char *name, int flags) {
    char path[PATH_MAX];
    size_t length = strlen(directory), more = strlen(name);
    if (length + 1 + more >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(path, directory, length);
    path[length] = '/';
    memcpy(path + length + 1, name, more + 1);
    return open(path, flags | O_CLOEXEC);
}

static bool is_marked(const char *directory, const char *name) {
    char value[8];
    return getxattr(directory, name, value, sizeof value) == 1 && value[0] == '1';
}

int cl_cgroup_has_namespace(void) {
    /* PROC_CGROUP_INIT_INO of the kernel: the number of the first one has never changed. */
    struct stat found;
    return stat("/proc/self/ns/cgroup", &found) == 0 && found.st_ino != 0xEFFFFFFBu;
}

int cl_cgroup_is_one(const char *directory) {
    struct statfs found;
    return statfs(directory, &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC;
}

int cl_cgroup_is_delegated(const char *directory) {
    /* The first needs Linux 5.7 and systemd 251; the second can only root read. */
    return is_marked(directory, "user.delegate") || is_marked(directory, "trusted.delegate");
}

static int write_to(int file, const char *text) {
    if (file < 0) return -1;
    ssize_t count;
    do count = write(file, text, strlen(text));
    while (count < 0 && errno == EINTR);
    int code = errno;
    close(file);
    errno = code;
    return count < 0 ? -1 : 0;
}

int cl_cgroup_kill(const char *directory) {
    return write_to(open_file(directory, "cgroup.kill", O_WRONLY), "1");
}

/* The groups in it, from the innermost; a group has no other directories in it. */
static void remove_below(int directory, int depth) {
    char buffer[1024] __attribute__((aligned(8)));
    int removed = 1;
    /* Removing while reading may skip entries, so: again from the start until nothing goes. */
    while (removed > 0 && depth < 32) {
        long count;
        removed = 0;
        lseek(directory, 0, SEEK_SET);
        while ((count = cl_read_entries(directory, buffer, sizeof buffer)) > 0) {
            for (long at = 0; at < count;) {
                const struct cl_entry *entry = (const struct cl_entry *)(buffer + at);
                at += entry->length;
                if (entry->type != DT_DIR || entry->name[0] == '.') continue;
                int inner = openat(directory, entry->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (inner < 0) continue;
                remove_below(inner, depth + 1);
                close(inner);
                removed += unlinkat(directory, entry->name, AT_REMOVEDIR) == 0;
            }
        }
    }
}

int cl_cgroup_remove(const char *directory) {
    if (rmdir(directory) == 0 || errno == ENOENT) return 0;
    if (errno != EBUSY) return -1;
    int group = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group < 0) return -1;
    remove_below(group, 0);
    close(group);
    return rmdir(directory);
}

int cl_cgroup_join(int directory) {
    return write_to(openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC), "0");
}
