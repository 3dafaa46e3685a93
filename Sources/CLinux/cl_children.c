#include "cl_child.h"
#include "cl_process.h"
#include "cl_tree.h"
#include "clinux.h"
#include <stdbool.h>
#include <string.h>

static bool is_listed(pid_t pid, const pid_t *list, int count) {
    for (int index = 0; index < count; index++)
        if (list[index] == pid) return true;
    return false;
}

/* Whether a thread has children apart from these; -1 where the kernel keeps no such list. */
static int thread_has_children(
    int tasks, const char *thread, const pid_t *except, int except_count) {
    char path[40], text[512];
    char *end = cl_write_number(path, (unsigned long)cl_read_number(thread));
    memcpy(end, "/children", sizeof "/children");
    int file = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count;
    pid_t pid = 0;
    int found = 0;
    while (!found && (count = read(file, text, sizeof text)) > 0) {
        for (ssize_t at = 0; at < count; at++) {
            if (text[at] >= '0' && text[at] <= '9') {
                pid = pid * 10 + (text[at] - '0');
            } else {
                if (pid > 0 && !is_listed(pid, except, except_count)) found = 1;
                pid = 0;
            }
        }
    }
    close(file);
    return found;
}

/* The long way, for a kernel without lists of children. */
static int scan_for_children(const pid_t *except, int except_count) {
    struct cl_process_table table = {0};
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int found = cl_read_processes(proc, &table);
    for (size_t index = 0; index < table.count && found == 0; index++) {
        const struct cl_process *process = &table.items[index];
        found = process->parent == getpid() && !is_listed(process->pid, except, except_count);
    }
    cl_free_processes(&table);
    close(proc);
    return found;
}

int cl_has_children(const pid_t *except, int except_count) {
    char buffer[2048] __attribute__((aligned(8)));
    int proc = cl_open_proc();
    if (proc < 0) return -1;
    int tasks = openat(proc, "self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(proc);
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
            int one = thread_has_children(tasks, entry->name, except, except_count);
            /* Another thread may just have ended; the first one never has. */
            if (one >= 0 || thread == getpid()) found = one;
        }
    }
    close(tasks);
    return found < 0 ? scan_for_children(except, except_count) : found;
}
