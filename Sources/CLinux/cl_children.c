#include "cl_children.h"
#include "cl_child.h"
#include "clinux.h"
#include <string.h>

/* 1 where a thread has a child that is meant, else 0; -1 where the kernel keeps no such list, or with
   errno where it cannot be read. */
static int look_at_thread(
    int proc, int tasks, const char *thread, const struct cl_tree *tree, cl_child_is_meant is_meant) {
    char path[40], text[512];
    char *end = cl_write_number(path, (unsigned long)cl_read_number(thread));
    memcpy(end, "/children", sizeof "/children");
    int file = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count;
    pid_t pid = 0;
    int found = 0;
    while (found == 0 && (count = read(file, text, sizeof text)) > 0) {
        for (ssize_t at = 0; at < count && found == 0; at++) {
            if (text[at] >= '0' && text[at] <= '9') {
                pid = pid * 10 + (text[at] - '0');
            } else {
                if (pid > 0) found = is_meant(tree, proc, pid);
                pid = 0;
            }
        }
    }
    int code = errno;
    close(file);
    errno = code;
    return found;
}

/* The long way, for a kernel without lists of children. */
static int scan(int proc, const struct cl_tree *tree, cl_child_is_meant is_meant) {
    struct cl_process_table table = {0};
    int found = cl_read_processes(proc, &table);
    for (size_t index = 0; index < table.count && found == 0; index++) {
        const struct cl_process *process = &table.items[index];
        if (process->parent == getpid()) found = is_meant(tree, proc, process->pid);
    }
    int code = errno;
    cl_free_processes(&table);
    errno = code;
    return found;
}

int cl_any_listed_child(int proc, const struct cl_tree *tree, cl_child_is_meant is_meant) {
    char buffer[2048] __attribute__((aligned(8)));
    int tasks = openat(proc, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tasks < 0) return -1;
    long count;
    int found = 0;
    /* A child is in the list of the thread that made it; orphans come to any thread of ours. */
    while (found <= 0 && (count = cl_read_entries(tasks, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < count && found <= 0;) {
            const struct cl_entry *entry = (const struct cl_entry *)(buffer + at);
            at += entry->length;
            long thread = cl_read_number(entry->name);
            if (thread <= 0) continue;
            int one = look_at_thread(proc, tasks, entry->name, tree, is_meant);
            /* Another thread may just have ended; the first one never has. */
            if (one >= 0 || thread == getpid() || cl_tells_nothing(errno)) found = one;
            if (one < 0 && cl_tells_nothing(errno)) break;
        }
        if (found < 0 && cl_tells_nothing(errno)) break;
    }
    int code = errno;
    close(tasks);
    errno = code;
    if (found >= 0 || cl_tells_nothing(code)) return found;
    return scan(proc, tree, is_meant);
}
